"""The text of a .session file: words, and the tree of each protocol."""

import re
from dataclasses import dataclass, field

ROLES = ("client", "server")
KEYWORDS = {"include", "import", "protocol", "is", "forever", "message", "queue", "client", "server", "sends", "within",
            "may", "interrupt", "choice", "at", "or", "rec", "continue", "end"}
INTEGERS = {"u8", "u16", "u32", "u64", "i8", "i16", "i32", "i64", "bool", "char", "usize", "uptr", "int", "unsigned"}
C_KEYWORDS = set("auto break case char const continue default do double else enum extern float for goto if inline "
                 "int long register restrict return short signed sizeof static struct switch typedef union unsigned "
                 "void volatile while bool".split())
# What generated names are made of; a message or recursion of such a name could make two things of one name.
RESERVED = re.compile(r"client|server|over|start|(client|server|to|after|before)_.*|.*_(step|offer|label)")
TIME_NS = {"ns": 1, "us": 1000, "ms": 1000_000, "s": 1000_000_000}
TAB = 8

TOKEN = re.compile(r"""
    (?P<space>[ \t\n]+ | //[^\n]* | /\*.*?\*/)
  | (?P<word>[A-Za-z_]\w*)
  | (?P<number>\d+)
  | (?P<string>"[^"\n]*")
  | (?P<mark>[{};=*\[\](),])
""", re.X | re.S)


@dataclass(frozen=True)
class Place:
    file: str
    line: int
    column: int
    text: str  # the whole line

    def __str__(self):
        return f"{self.file}:{self.line}:{self.column}"


class Error(Exception):
    """A mistake in a .session file: where, what, and what to do about it."""

    def __init__(self, place, what, hint=""):
        super().__init__(what)
        self.place, self.what, self.hint = place, what, hint

    def __str__(self):
        shown = self.place.text.expandtabs(TAB)
        indent = len(self.place.text[:self.place.column - 1].expandtabs(TAB))
        lines = [f"{self.place}: error: {self.what}", f"    {shown}", f"    {' ' * indent}^"]
        return "\n".join(lines + ([f"{self.place}: note: {self.hint}"] if self.hint else []))


@dataclass(frozen=True)
class Token:
    kind: str
    text: str
    place: Place

    def __str__(self):
        return "the end of the file" if self.kind == "eof" else f"'{self.text}'"


@dataclass
class Message:
    name: str
    place: Place
    fields: list = None  # lines of C; None: no payload, unless ctype is set
    ctype: str = ""      # declared elsewhere


@dataclass
class Send:
    role: str
    message: str
    place: Place
    within_ns: int = 0


@dataclass
class Choice:
    role: str
    branches: list
    place: Place


@dataclass
class Interruptible:
    role: str
    body: list
    place: Place


@dataclass
class Rec:
    name: str
    body: list
    place: Place


@dataclass
class Continue:
    name: str
    place: Place


@dataclass
class End:
    place: Place


@dataclass
class Protocol:
    name: str
    place: Place
    parameters: list = field(default_factory=list)  # messages whose contents others say: no code is made of it
    forever: bool = False
    queue: int = 1
    messages: dict = field(default_factory=dict)
    body: list = field(default_factory=list)


@dataclass
class File:
    name: str
    includes: list = field(default_factory=list)
    protocols: list = field(default_factory=list)
    automata: dict = field(default_factory=dict)  # of each protocol's name


def tokens(name, text):
    lines = text.split("\n")
    at, line, start = 0, 1, 0
    found = []
    while at < len(text):
        place = Place(name, line, at - start + 1, lines[line - 1])
        match = TOKEN.match(text, at)
        if not match:
            if text.startswith("/*", at):
                raise Error(place, "this comment does not end", "expected */")
            raise Error(place, f"unexpected character {text[at]!r}")
        if match.lastgroup != "space":
            found.append(Token(match.lastgroup, match[0], place))
        newlines = match[0].count("\n")
        if newlines:
            line += newlines
            start = at + match[0].rindex("\n") + 1
        at = match.end()
    last = max(i for i, shown in enumerate(lines) if shown.strip() or not i) + 1
    found.append(Token("eof", "", Place(name, last, len(lines[last - 1]) + 1, lines[last - 1])))
    return found


class Parser:
    def __init__(self, name, text, load):
        self.name = name
        self.tokens = tokens(name, text)
        self.at = 0
        self.load = load
        self.imported = []

    @property
    def next(self):
        return self.tokens[self.at]

    def take(self):
        token = self.next
        self.at += token.kind != "eof"
        return token

    def accept(self, text):
        if self.next.text == text and self.next.kind in ("word", "mark"):
            return self.take()
        return None

    def expect(self, text, why=""):
        token = self.accept(text)
        if not token:
            raise Error(self.next.place, f"expected '{text}'{why}, found {self.next}")
        return token

    def new_name(self, what):
        token = self.take()
        if token.kind != "word":
            raise Error(token.place, f"expected the name of {what}, found {token}")
        if token.text in KEYWORDS | C_KEYWORDS:
            raise Error(token.place, f"'{token.text}' is a keyword and cannot be the name of {what}")
        if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", token.text):
            raise Error(token.place, f"the name of {what} is not in lower case, like file_open: {token}")
        if what != "a protocol" and RESERVED.fullmatch(token.text):
            raise Error(token.place, f"'{token.text}' cannot be the name of {what}: generated functions have such names")
        return token

    def number(self, what, least, most):
        token = self.take()
        if token.kind != "number" or not least <= int(token.text) <= most:
            raise Error(token.place, f"expected {what}, {least} to {most}, found {token}")
        return int(token.text)

    def string(self, what):
        token = self.take()
        if token.kind != "string":
            raise Error(token.place, f"expected {what} in quotes, found {token}")
        self.expect(";")
        return token

    def file(self):
        file = File(self.name)
        while self.next.kind != "eof":
            if self.accept("include"):
                file.includes.append(self.string('a header like "async/file.h"').text)
            elif self.accept("import"):
                token = self.string('a description like "async/action.session"')
                self.imported += self.load(token).protocols
            elif self.next.text == "protocol":
                protocol = self.protocol(bool(file.includes))
                for other in file.protocols:
                    if other.name == protocol.name:
                        raise Error(protocol.place, f"protocol {protocol.name} is described twice",
                                    f"the first is at {other.place}")
                file.protocols.append(protocol)
                self.imported.append(protocol)
            else:
                raise Error(self.next.place, f"expected 'include', 'import' or 'protocol', found {self.next}")
        if not file.protocols:
            raise Error(self.next.place, "there is no protocol in this file")
        return file

    def protocol(self, has_includes):
        self.expect("protocol")
        token = self.new_name("a protocol")
        protocol = Protocol(token.text, token.place)
        if self.accept("is"):
            return self.instance(protocol, has_includes)
        if self.accept("("):
            protocol.parameters = [self.new_name("a message").text]
            while self.accept(","):
                protocol.parameters.append(self.new_name("a message").text)
            self.expect(")", " or ','")
            protocol.messages = {name: Message(name, token.place) for name in protocol.parameters}
        protocol.forever = bool(self.accept("forever"))
        self.expect("{")
        while self.next.text in ("message", "queue"):
            if self.accept("queue"):
                protocol.queue = self.number("a number of messages", 1, 64)
                self.expect(";")
                continue
            self.declare(protocol.messages, self.message(has_includes))
        protocol.body = self.steps()
        if not protocol.body:
            raise Error(self.next.place, f"protocol {protocol.name} has no step", "for example: client sends hello;")
        self.expect("}")
        return protocol

    def declare(self, messages, message):
        if message.name in messages:
            raise Error(message.place, f"message {message.name} is declared twice",
                        f"the first is at {messages[message.name].place}")
        messages[message.name] = message

    def instance(self, protocol, has_includes):
        """A protocol that is another one, with contents for its parameters."""
        token = self.new_name("a protocol with parameters")
        base = next((p for p in self.imported if p.name == token.text and p.parameters), None)
        if not base:
            known = ", ".join(p.name for p in self.imported if p.parameters) or "none"
            raise Error(token.place, f"there is no protocol {token.text} with parameters above", f"those that are: {known}")
        given = {}
        self.expect("{")
        while self.next.text == "message":
            message = self.message(has_includes)
            if message.name not in base.parameters:
                raise Error(message.place, f"message {message.name} is no parameter of protocol {base.name}",
                            "its parameters are " + ", ".join(base.parameters))
            self.declare(given, message)
        end = self.expect("}", " or 'message'")
        missing = [name for name in base.parameters if name not in given]
        if missing:
            raise Error(end.place, f"protocol {protocol.name} does not declare message {missing[0]}",
                        f"protocol {base.name} has the parameters " + ", ".join(base.parameters))
        protocol.forever, protocol.queue, protocol.body = base.forever, base.queue, base.body
        protocol.messages = {**base.messages, **given}
        return protocol

    def message(self, has_includes):
        self.expect("message")
        token = self.new_name("a message")
        message = Message(token.text, token.place)
        if self.accept("="):
            message.ctype = self.ctype(has_includes)
            self.expect(";")
        elif self.accept("{"):
            message.fields = []
            while not self.accept("}"):
                message.fields.append(self.field(has_includes))
            if not message.fields:
                raise Error(token.place, f"message {token.text} has braces and no field",
                            f"without contents: message {token.text};")
        else:
            self.expect(";", f" or '{{' or '=' behind message {token.text}")
        return message

    def ctype(self, has_includes):
        token = self.take()
        if token.text in ("struct", "union", "enum"):
            name = self.take()
            if name.kind != "word":
                raise Error(name.place, f"expected the name of a {token.text}, found {name}")
            if not has_includes:
                raise Error(token.place, f"{token.text} {name.text} is declared nowhere",
                            'include the header that declares it, above the protocol: include "async/file.h";')
            return f"{token.text} {name.text}"
        if token.text not in INTEGERS:
            raise Error(token.place, f"expected a type, found {token}",
                        "types are " + ", ".join(sorted(INTEGERS)) + ", and struct, union or enum with a name")
        return token.text

    def field(self, has_includes):
        text = self.ctype(has_includes) + " "
        while self.accept("*"):
            text += "*"
        name = self.take()
        if name.kind != "word" or name.text in C_KEYWORDS:
            raise Error(name.place, f"expected the name of a field, found {name}")
        text += name.text
        while self.accept("["):
            text += f"[{self.number('a number of elements', 1, 4096)}]"
            self.expect("]")
        self.expect(";")
        return text + ";"

    def steps(self):
        """Up to the } that the caller takes."""
        steps = []
        while self.next.text != "}":
            if steps and isinstance(steps[-1], (Continue, End)):
                raise Error(self.next.place, "this step is never reached",
                            f"the one before it, at {steps[-1].place}, ends here or goes on elsewhere")
            steps.append(self.step())
        return steps

    def block(self, what):
        self.expect("{")
        steps = self.steps()
        if not steps:
            raise Error(self.next.place, f"{what} has no step", "write 'end;' where the protocol ends")
        self.expect("}")
        return steps

    def role(self, why):
        token = self.take()
        if token.text not in ROLES:
            raise Error(token.place, f"expected 'client' or 'server' {why}, found {token}")
        return token.text

    def step(self):
        token = self.next
        if token.text in ROLES:
            return self.send()
        if self.accept("choice"):
            self.expect("at")
            choice = Choice(self.role("behind 'choice at'"), [self.block("this branch")], token.place)
            if self.next.text != "or":
                raise Error(self.next.place, f"expected 'or' and another branch of the choice, found {self.next}",
                            "a choice with a single branch is no choice: leave it out")
            while self.accept("or"):
                choice.branches.append(self.block("this branch"))
            return choice
        if self.accept("rec"):
            name = self.new_name("a recursion")
            return Rec(name.text, self.block(f"rec {name.text}"), name.place)
        if self.accept("continue"):
            name = self.new_name("a recursion")
            self.expect(";")
            return Continue(name.text, name.place)
        if self.accept("end"):
            self.expect(";")
            return End(token.place)
        raise Error(token.place, f"expected a step, found {token}",
                    "steps are: client sends M; server sends M; choice at client { } or { } "
                    "rec NAME { } continue NAME; client may interrupt { } end;")

    def send(self):
        role = self.take()
        if self.accept("may"):
            self.expect("interrupt")
            return Interruptible(role.text, self.block("this block"), role.place)
        self.expect("sends", f" or 'may' behind '{role.text}'")
        name = self.new_name("a message")
        send = Send(role.text, name.text, name.place)
        if self.accept("within"):
            number = self.number("a time", 1, 10 ** 9)
            unit = self.take()
            if unit.text not in TIME_NS:
                raise Error(unit.place, f"expected a unit of time, ns, us, ms or s, found {unit}")
            send.within_ns = number * TIME_NS[unit.text]
        self.expect(";", f" or 'within' behind message {name.text}")
        return send


def parse(name, text, load):
    """@load gives the File that an import's token names."""
    return Parser(name, text, load).file()
