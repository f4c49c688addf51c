"""Typed C functions and the monitor's tables for the protocols of a file, as a header."""

import zlib
from pathlib import Path

ROLES = ("client", "server")


def header(file, automata):
    lines = [f"/* {Path(file.name).stem}.session.h: made from {file.name} by tools/session; do not edit. */",
             "#pragma once", "", '#include "async/service.h"', '#include "async/session.h"']
    lines += [f"#include {name}" for name in file.includes] + [""]
    for protocol in file.protocols:
        if protocol.parameters:
            continue
        lines += Emitter(protocol, automata[protocol.name]).lines()
    return "\n".join(lines) + "\n"


def stated(state):
    """What may come next, in words."""
    if state.is_end:
        return "the end"
    within = f" within {state.within_ns} ns" if state.within_ns else ""
    interrupt = f"; the {state.interrupter} may interrupt" if state.interrupter else ""
    return f"the {state.sender} sends " + " or ".join(state.arcs) + within + interrupt


class Emitter:
    """All that is made of one protocol. Every name begins with the protocol's."""

    def __init__(self, protocol, states):
        self.protocol, self.states = protocol, states
        self.name = protocol.name
        self.messages = list(protocol.messages)
        self.index = {id(state): i for i, state in enumerate(states)}
        self.timed = any(state.within_ns for state in states)

    def lines(self):
        made = [self.about(), self.payloads(), self.tokens(), self.wires(), self.tables()]
        made += [self.end(role) for role in ROLES]
        made += [self.state(role, state) for role in ROLES for state in self.states if not state.is_end]
        made += [self.at(role) for role in ROLES] + [self.verbs()]
        return [line for part in made for line in part + [""]]

    def token(self, role, state):
        return f"struct {self.name}_{role}_{state.name}"

    def ctype(self, message):
        declared = self.protocol.messages[message]
        if declared.fields is not None:
            return f"struct {self.name}_{message}"
        return declared.ctype  # "" without a payload

    def about(self):
        text = [f"/* protocol {self.name}", " *"]
        text += [f" *   {state.name}: {stated(state)}" for state in self.states]
        return text + [" */"]

    def payloads(self):
        text = []
        for name, message in self.protocol.messages.items():
            if message.fields is not None:
                text += [f"{self.ctype(name)} {{", *[f"\t{line}" for line in message.fields], "};"]
            if self.ctype(name):
                text += [f"_Static_assert(sizeof({self.ctype(name)}) <= SESSION_MESSAGE_BYTES_MAX,",
                         f'\t       "message {name} of protocol {self.name} is too large: send a reference");']
        return text

    def tokens(self):
        """A type for each state of each end, never defined, and for a step that leads there."""
        text = []
        for role in ROLES:
            for state in self.states:
                token = self.token(role, state)
                text += [f"{token};", f"{token}_step {{", "\tstruct awaitable aw;", f"\t{token} *next;", "};"]
            for state in self.offers(role):
                token = self.token(role, state) + "_offer"
                text += [f"{token};", f"{token}_step {{", "\tstruct awaitable aw;", f"\t{token} *next;", "};"]
        for state in self.states:
            if len(state.arcs) < 2:
                continue
            prefix = f"{self.name}_{state.name}".upper()
            text += [f"enum {self.name}_{state.name}_label {{", f"\t{prefix}_OVER, /* the session ended early */"]
            text += [f"\t{prefix}_{message.upper()}," for message in state.arcs] + ["};"]
            if any(self.ctype(m) for m in state.arcs):
                text += [f"union {self.name}_{state.name} {{"]
                text += [f"\t{self.ctype(m)} {m};" for m in state.arcs if self.ctype(m)] + ["};"]
        return text

    def offers(self, role):
        return [s for s in self.states if len(s.arcs) > 1 and s.sender != role]

    def sent_by(self, role):
        return [m for m in self.messages if any(s.sender == role and m in s.arcs for s in self.states)]

    def wires(self):
        text = []
        for role in ROLES:
            text += [f"struct {self.name}_to_{role}_wire {{", "\tu64 message;"]
            payloads = [m for m in self.sent_by(ROLES[1 - ROLES.index(role)]) if self.ctype(m)]
            if payloads:
                text += ["\tunion {", *[f"\t\t{self.ctype(m)} {m};" for m in payloads], "\t} as;"]
            text += ["};"]
            if payloads:
                text += [f"_Static_assert(offsetof(struct {self.name}_to_{role}_wire, as) == "
                         "sizeof(struct session_wire),",
                         f'\t       "a message of protocol {self.name} is aligned to more than 8 bytes");']
        return text

    def tables(self):
        digest = zlib.crc32(repr([(s.name, s.sender, s.interrupter, s.within_ns, [(a.message, a.target.name) for a in s.arcs.values()])
                                  for s in self.states] + [(m, self.ctype(m), self.protocol.messages[m].fields)
                                                           for m in self.messages] + [self.name]).encode())
        text = [f"static const struct session_message {self.name}_messages[] __attribute__((unused)) = {{"]
        for m in self.messages:
            text += [f'\t{{"{m}", {f"sizeof({self.ctype(m)})" if self.ctype(m) else 0}}},']
        text += ["};", f"static const struct session_arc {self.name}_arcs[] __attribute__((unused)) = {{"]
        first, states = 0, []
        for state in self.states:
            for arc in state.arcs.values():
                text += [f"\t{{{self.messages.index(arc.message)}, {self.index[id(arc.target)]}}}, "
                         f"/* {state.name}: {arc.message} -> {arc.target.name} */"]
            sender = f"SESSION_{state.sender.upper()}" if state.sender else "SESSION_NOBODY"
            interrupter = f"SESSION_{(state.interrupter or 'nobody').upper()}"
            states += [f'\t{{"{state.name}", {sender}, {interrupter}, {len(state.arcs)}, {first}, {state.within_ns}}},']
            first += len(state.arcs)
        text += ["};", f"static const struct session_state {self.name}_states[] __attribute__((unused)) = {{",
                 *states, "};"]
        wire = f"sizeof(struct {self.name}_to_%s_wire)"
        return text + [
            f"static const struct session_protocol {self.name}_protocol __attribute__((unused)) = {{",
            f'\t"{self.name}", {self.name}_states, {self.name}_arcs, {self.name}_messages, {self.protocol.queue},',
            f"\t{{{wire % 'client'}, {wire % 'server'}}}, 0x{digest:08x}}};"]

    def end(self, role):
        """The end's struct, and how it begins."""
        end, first = f"struct {self.name}_{role}", self.token(role, self.states[0])
        timeout = ["\tstruct timeout timeout;"] if self.timed else []
        text = [f"/* The {role}'s end. All zero before its first use. */", f"{end} {{", "\tstruct session_end end;",
                *timeout, "\tunion {", "\t\tstruct session_wire any;",
                *[f"\t\tstruct {self.name}_to_{r}_wire to_{r};" for r in ROLES], "\t} wire;", "};", ""]
        text += [f"static inline {first} *{self.name}_{role}_begin(const struct session_place *place, {end} *end,",
                 "\t\tstruct session *session)", "{", "\tend->end.wire = &end->wire.any;"]
        text += ["\tend->end.timeout = &end->timeout;"] if self.timed else []
        text += [f"\treturn ({first} *)session_begin(place, &end->end, SESSION_{role.upper()},",
                 f"\t\t\t&{self.name}_protocol, session);", "}"]
        verb, helper = ("connect", "service_connect") if role == "client" else ("accept", "service_take_session")
        ready = [line for line in text if line.startswith("\tend->end.")]
        text += ["", f"static inline {first} *{self.name}_{role}_{verb}(const struct session_place *place,",
                 f"\t\t{end} *end, struct service *service)", "{", *ready,
                 f"\treturn ({first} *){helper}(place, service, &end->end, &{self.name}_protocol);", "}"]
        return text

    def function(self, result, name, *parameters, body):
        return [f"static inline {result}{name}(const struct session_place *place,",
                "\t\t" + ", ".join(parameters) + ")", "{", *[f"\t{line}" for line in body], "}"]

    def state(self, role, state):
        """The functions that the end @role has in @state."""
        token, index = self.token(role, state), self.index[id(state)]
        prefix = f"{self.name}_{role}_{state.name}"
        text = [f"/* The {role} in state {state.name}: {stated(state)}. */"]
        if state.interrupter == role:
            text += self.function("void ", f"{prefix}_interrupt", f"{token} *token", body=[
                f"session_interrupt(place, (struct session_end *)token, {index});"])
        if state.sender == role:
            for arc in state.arcs.values():
                ctype = self.ctype(arc.message)
                step = self.token(role, arc.target) + "_step *"
                text += self.function(
                    step, f"{prefix}_send_{arc.message}", f"{token} *token", *([f"{ctype} message"] if ctype else []),
                    body=[f"return ({step})session_send(place, (struct session_end *)token, {index},",
                          f"\t\t{self.messages.index(arc.message)}, {'&message' if ctype else 'NULL'});"])
            return text
        if len(state.arcs) == 1:
            arc = next(iter(state.arcs.values()))
            step, into = self.token(role, arc.target) + "_step *", self.ctype(arc.message)
        else:
            step = token + "_offer_step *"
            into = f"union {self.name}_{state.name}" if any(self.ctype(m) for m in state.arcs) else ""
        text += self.function(step, f"{prefix}_receive", f"{token} *token", *([f"{into} *into"] if into else []),
                              body=[f"return ({step})session_receive(place, (struct session_end *)token, {index},",
                                    f"\t\t{'into' if into else 'NULL'});"])
        if len(state.arcs) > 1:
            text += self.offer(role, state)
        return text

    def offer(self, role, state):
        """Which message came, and how to go on with each."""
        token, prefix = self.token(role, state) + "_offer", f"{self.name}_{role}_{state.name}"
        label, over = f"enum {self.name}_{state.name}_label", f"{self.name}_{state.name}_OVER".upper()
        text = [f"static inline {label} {prefix}_label({token} *offer)", "{",
                "\tif (!offer)", f"\t\treturn {over};",
                "\tswitch (((struct session_end *)offer)->message) {"]
        for m in state.arcs:
            text += [f"\tcase {self.messages.index(m)}:", f"\t\treturn {self.name.upper()}_{state.name.upper()}_{m.upper()};"]
        text += ["\t}", "\t__builtin_unreachable(); /* the monitor let no other message through */", "}"]
        for arc in state.arcs.values():
            target = self.token(role, arc.target) + " *"
            text += self.function(target, f"{prefix}_take_{arc.message}", f"{token} *offer", body=[
                f"return ({target})session_take(place, (struct session_end *)offer,",
                f"\t\t{self.messages.index(arc.message)}, {self.index[id(arc.target)]});"])
        return text

    def at(self, role):
        text = [f"/* The {role} between two steps. */"]
        for state in self.states:
            token = self.token(role, state) + " *"
            text += self.function(token, f"{self.name}_{role}_at_{state.name}", f"struct {self.name}_{role} *end", body=[
                f"return ({token})session_at(place, &end->end, {self.index[id(state)]});"])
        for state in self.offers(role):
            token = self.token(role, state) + "_offer *"
            text += self.function(token, f"{self.name}_{role}_offer_{state.name}", f"struct {self.name}_{role} *end", body=[
                f"return ({token})session_offer(place, &end->end, {self.index[id(state)]});"])
        return text

    def verbs(self):
        """One name for each deed: the type of what it is done to chooses the function, or there is none."""
        text = ["/* What a program writes. Each takes a state of either end; see tools/session --help. */"]
        for role, verb, arguments in (("client", "connect", "end, service"), ("server", "accept", "end, service")):
            text += [f"#define {self.name}_{verb}({arguments}) {self.name}_{role}_{verb}(SESSION_HERE, {arguments})"]
        text += self.generic("begin", "end", [(f"struct {self.name}_{role}", f"{self.name}_{role}_begin") for role in ROLES])
        moves = [(role, state) for role in ROLES for state in self.states if not state.is_end]
        for m in self.messages:
            text += self.generic(f"send_{m}", "token", [(self.token(r, s), f"{self.name}_{r}_{s.name}_send_{m}")
                                                        for r, s in moves if s.sender == r and m in s.arcs])
        text += self.generic("receive", "token", [(self.token(r, s), f"{self.name}_{r}_{s.name}_receive")
                                                  for r, s in moves if s.sender != r])
        offers = [(r, s) for r, s in moves if s in self.offers(r)]
        if offers:
            text += self.generic("label", "offer", [(self.token(r, s) + "_offer", f"{self.name}_{r}_{s.name}_label")
                                                    for r, s in offers], place=False)
        for m in self.messages:
            taken = [(self.token(r, s) + "_offer", f"{self.name}_{r}_{s.name}_take_{m}") for r, s in offers if m in s.arcs]
            text += self.generic(f"take_{m}", "offer", taken) if taken else []
        interrupts = [(self.token(r, s), f"{self.name}_{r}_{s.name}_interrupt") for r, s in moves if s.interrupter == r]
        if interrupts:
            text += self.generic("interrupt", "token", interrupts)
            text += [f"#define {self.name}_interrupted(of, wait) session_interrupted(wait, &(of)->end)"]
        for state in self.states:
            text += self.generic(f"at_{state.name}", "end", [(f"struct {self.name}_{r}", f"{self.name}_{r}_at_{state.name}")
                                                             for r in ROLES])
        for role, state in offers:
            text += [f"#define {self.name}_offer_{state.name}(of) {self.name}_{role}_offer_{state.name}(SESSION_HERE, of)"]
        return text + [f"#define {self.name}_status(of) session_status(&(of)->end)",
                       f"#define {self.name}_leave(of) session_leave(&(of)->end)"]

    def generic(self, verb, what, choices, place=True):
        text = [f"#define {self.name}_{verb}({what}, ...) _Generic(({what}), \\"]
        text += [f"\t{ctype} *: {function}{', ' if last else ''}\\"
                 for (ctype, function), last in zip(choices, [True] * (len(choices) - 1) + [False])]
        here = "SESSION_HERE, " if place else ""
        return text + [f"\t)({here}{what}, ##__VA_ARGS__)"]
