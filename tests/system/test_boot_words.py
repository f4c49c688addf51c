"""What is handed over at boot: each word, each wrong value and each unknown name is told of, and no word
keeps a board from booting."""

import re

import pytest

ON_BOARDS = [("pc", "clang"), ("virt", "gcc"), ("raspi3", "clang")]

# What is given, and all that the console says of it.
MISTAKES = [
    ("shards=x", ["shards=x: expected a number from 1 to 64, else 1; taking that"]),
    ("shards=0", ["shards=0: expected a number from 1 to 64, else 1; taking that"]),
    ("shards=65", ["shards=65: expected a number from 1 to 64, else 1; taking that"]),
    ("shards", ["shards=: expected a number from 1 to 64, else 1; taking that"]),
    ("shards=18446744073709551617", ["shards=18446744073709551617: expected a number from 1 to 64, else 1; taking that"]),
    ("inherit=no", ["inherit=no: expected on|off; taking the first"]),
    ("inherit=on|off", ["inherit=on|off: expected on|off; taking the first"]),
    ("heap=buddy", ["heap=buddy: expected slab|tlsf; taking the first"]),
    ("heap", ["heap=: expected slab|tlsf; taking the first"]),
    ("console=serial0,115200", ["console=serial0,115200: expected pl011|miniuart; taking the first"]),
    ("fail_alloc=often", ["fail_alloc=often: expected a number from 0 to 18446744073709551615, else 0; taking that"]),
    ("watchdog", ["watchdog=: expected a number from 1 to 100000, else 0; taking that"]),
    ("watchdog=100001", ["watchdog=100001: expected a number from 1 to 100000, else 0; taking that"]),
    ("semihosting=1", ["semihosting=1: expected nothing; taking the first"]),
    ("dag=0", ["dag=0: expected a number from 1 to 100000, else 20; taking that"]),
    ("demmo", ["nobody knows 'demmo'; is 'demo' meant?; `help boot` lists the words"]),
    ("shard=4", ["nobody knows 'shard'; is 'shards' meant?; `help boot` lists the words"]),
    ("wathdog=4", ["nobody knows 'wathdog'; is 'watchdog' meant?; `help boot` lists the words"]),
    ("verbose", ["nobody knows 'verbose'; `help boot` lists the words"]),
    ("=", ["nobody knows ''; `help boot` lists the words"]),
    ("heap=slap inhert=off x", ["heap=slap: expected slab|tlsf; taking the first",
                                "nobody knows 'inhert'; is 'inherit' meant?; `help boot` lists the words",
                                "nobody knows 'x'; `help boot` lists the words"]),
    (f"{'a' * 300}={'b' * 300}", [f"nobody knows '{'a' * 23}'; `help boot` lists the words"]),
]

RIGHT = ["", "heap=tlsf", "heap=slab", "shards=64", "inherit=off  inherit=no", "watchdog=1", "fail_alloc=0", "console=miniuart",
         "semihosting", "\tshards=1 ",
         # what a Raspberry Pi's firmware and GRUB bring along
         "coherent_pool=1M 8250.nr_uarts=1 snd_bcm2835.enable_hdmi=0 vc_mem.mem_size=0x3f000000 root=/dev/mmcblk0p2 rootwait",
         "BOOT_IMAGE=/boot/kernel.elf quiet ro", "/boot/fermata"]


def told(console):
    return re.findall(r"^boot: (.*?)\r?$", console, re.M)


@pytest.mark.quick
@pytest.mark.parametrize("words, lines", MISTAKES)
def test_mistakes_are_told(kernels, words, lines):
    result = kernels.sim(kernels.elf("sim"), "--cmdline", words, cpus=1, stdin="shutdown\n")
    assert told(result.stdout) == lines, result.stdout
    assert result.returncode == 0, result.stdout


@pytest.mark.quick
@pytest.mark.parametrize("words", RIGHT)
def test_nothing_is_told_of_what_is_right(kernels, words):
    result = kernels.sim(kernels.elf("sim"), "--cmdline", words, cpus=2, stdin="shutdown 7\n")
    assert not told(result.stdout) and result.returncode == 7, result.stdout


@pytest.mark.parametrize("board, cc", ON_BOARDS)
def test_boards_boot_with_them(kernels, board, cc):
    result = kernels.run(board, kernels.elf(board, cc), "--append", "demo=10 sharts=2 shards=x")
    assert result.returncode == 0 and "demo: ok" in result.stdout, result.stdout
    assert told(result.stdout) == ["shards=x: expected a number from 1 to 64, else 1; taking that",
                                   "nobody knows 'sharts'; is 'shards' meant?; `help boot` lists the words"], result.stdout


@pytest.mark.quick
def test_the_shell_lists_them(kernels):
    result = kernels.sim(kernels.elf("sim"), cpus=1, stdin="help boot\nhelp all\nshutdown\n")
    names = re.findall(r"^  (\w+) +(?:a number|nothing|\w+\|\w+)", result.stdout, re.M)
    assert names == ["console", "semihosting", "heap", "fail_alloc", "inherit", "shards", "watchdog", "demo", "dag"]
    assert "expected: help [boot]" in result.stdout


def test_each_word_is_documented(kernels, root):
    """docs/README.md has a row for each."""
    text = (root / "docs/README.md").read_text()
    source = (root / "kernel/services/boot.c").read_text()
    names = re.findall(r"^\t\[BOOT_\w+\] = \{\"(\w+)\"", source, re.M)
    assert len(names) == 9
    for name in names:
        assert re.search(rf"^\| `{name}\b", text, re.M), name
