"""fermata-sim explore: all executions of a small program on the kernel's code (docs/explorer.md)."""

import re
import subprocess
import sys
from pathlib import Path

import counterexample
import runs
from wrong import Wrong

CODE = re.compile(r"\{(0x[0-9a-f]+)\}")
DATA = re.compile(r"<(0x[0-9a-f]+)>")


def build(cc, program):
    inside = Path(program).resolve()
    if not inside.is_file() or inside.suffix != ".c":
        raise Wrong(f"{program} is not there, or no C file; tests/explore/ has programs to explore")
    app = str(inside.relative_to(runs.ROOT)) if inside.is_relative_to(runs.ROOT) else str(inside)
    elf = f"build/sim-{cc}/app-{inside.stem}/explore.elf"
    done = runs.make(elf, "sim", cc, f"APP={app}")
    if re.search("undefined reference to [`']explore_thread'", done.stdout):
        raise Wrong(f"{program} has no explore_thread(), so it is no program to explore; tests/explore/explore.h "
                    "says what one provides")
    if done.returncode:
        raise Wrong(f"{program} does not build:\n{done.stdout}")
    return runs.ROOT / elf


def in_tree(path):
    """From the root of the tree, wherever the object was compiled."""
    parts = path.split("/")
    for first in ("kernel", "tests", "sim"):
        if first in parts[:-1]:
            at = len(parts) - 1 - parts[::-1].index(first)
            if (runs.ROOT / "/".join(parts[at:]).split(":")[0]).is_file():
                return "/".join(parts[at:])
    return path.removeprefix(f"{runs.ROOT}/")


def places(elf, addresses):
    """Code addresses, behind calls -> "function, file:line", with what was inlined where."""
    if not addresses:
        return {}
    ordered = sorted(addresses)
    done = subprocess.run(["addr2line", "-a", "-f", "-i", "-e", elf], input="".join(f"{int(a, 16) - 1:#x}\n" for a in ordered),
                          text=True, stdout=subprocess.PIPE, check=True)
    found, at = {}, -1
    lines = iter(done.stdout.splitlines())
    for line in lines:
        if line.startswith("0x"):
            at += 1
            found[ordered[at]] = []
        else:
            found[ordered[at]].append(f"{line} {in_tree(next(lines).split(' (')[0])}")
    return {a: " < ".join(names[:2]) for a, names in found.items()}


def objects(elf):
    """Addresses and names of variables, sorted."""
    done = subprocess.run(["nm", "-nS", elf], text=True, stdout=subprocess.PIPE, check=True)
    result = []
    for words in map(str.split, done.stdout.splitlines()):
        if len(words) == 4 and words[2] in "bBdDrR":
            result.append((int(words[0], 16), int(words[1], 16), words[3]))
    return result


def stack_name(name, offset, size, threads=6):
    each = size // threads
    return f"CPU {offset // each}'s stack -{each - offset % each:#x}" if name == "stacks" else None


def named(elf, text):
    code = places(elf, set(CODE.findall(text)))
    variables = objects(elf) if DATA.search(text) else []

    def variable(match):
        at = int(match[1], 16)
        for start, size, name in variables:
            if start <= at < start + size:
                return stack_name(name, at - start, size) or (f"{name}+{at - start:#x}" if at > start else name)
        return match[1]
    return DATA.sub(variable, CODE.sub(lambda m: code[m[1]], text))


def main(args):
    elf = build(args.cc, args.program)
    words = [word for name in ("replay", "max") if getattr(args, name) is not None
             for word in (f"--{name}", str(getattr(args, name)))] + (["--all"] if args.all else [])
    done = subprocess.run([str(elf), *words], text=True, errors="replace", stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode < 0:
        raise Wrong(f"{elf} died of signal {-done.returncode}:\n{done.stdout}")
    again = f"again: tools/sim/fermata-sim explore {args.program}{' --cc gcc' if args.cc == 'gcc' else ''} --replay"
    text = named(elf, done.stdout).replace("again: --replay", again)
    sys.stdout.write(text)
    if args.view and counterexample.write(text, args.program, args.view):
        print(f"Open {args.view} in a browser: each step, and what is wrong")
    return done.returncode
