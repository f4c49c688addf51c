"""What a protocol's tree means: an automaton that both ends follow, one as the sender where the other receives."""

from dataclasses import dataclass, field

from parse import Choice, Continue, End, Error, Interruptible, Rec, Send

STATES_MAX = 250
MESSAGES_MAX = 250


@dataclass(eq=False)
class State:
    """A point of the protocol. The sender of what comes next, and where each message leads."""
    place: object
    sender: str = None
    arcs: dict = field(default_factory=dict)  # message -> Arc
    within_ns: int = 0
    interrupter: str = None     # who may interrupt here
    name: str = ""
    rec: str = ""
    same_as: "State" = None     # while building: recursion and its uses stand for another one
    branches: list = None       # while building: a choice is the sum of these

    @property
    def is_end(self):
        return self.sender is None


@dataclass
class Arc:
    message: str
    target: State
    place: object


class Builder:
    def __init__(self, protocol):
        self.protocol = protocol
        self.end = State(protocol.place, name="end")
        self.used = set()
        self.recs = []
        self.interrupter = None  # of the block that is being built

    def block(self, steps, after, scope):
        """The state in which @steps begin; they go on with state @after."""
        for step in reversed(steps):
            after = self.step(step, after, scope)
        return after

    def step(self, step, after, scope):
        if isinstance(step, Send):
            if step.message not in self.protocol.messages:
                raise Error(step.place, f"message {step.message} is not declared",
                            f"declare it at the top of the protocol: message {step.message};")
            self.used.add(step.message)
            return State(step.place, step.role, {step.message: Arc(step.message, after, step.place)}, step.within_ns,
                         self.interrupter)
        if isinstance(step, Choice):
            return State(step.place, step.role, interrupter=self.interrupter,
                         branches=[self.block(b, after, scope) for b in step.branches])
        if isinstance(step, Interruptible):
            if self.interrupter:
                raise Error(step.place, "a block that may be interrupted stands within another")
            self.interrupter = step.role
            first = self.block(step.body, after, scope)
            self.interrupter = None
            return first
        if isinstance(step, Rec):
            if step.name in scope:
                raise Error(step.place, f"recursion {step.name} stands within another of this name",
                            f"the outer one is at {scope[step.name].place}")
            if any(r.rec == step.name for r in self.recs):
                raise Error(step.place, f"there are two recursions {step.name}", "a state is named after each")
            if step.name in self.protocol.messages:
                raise Error(step.place, f"recursion {step.name} has the name of a message",
                            f"which is declared at {self.protocol.messages[step.name].place}")
            here = State(step.place, rec=step.name)
            self.recs.append(here)
            here.same_as = self.block(step.body, after, {**scope, step.name: here})
            return here
        if isinstance(step, Continue):
            if step.name not in scope:
                known = ", ".join(scope) or "none"
                raise Error(step.place, f"there is no recursion {step.name} around this", f"those that are: {known}")
            return State(step.place, same_as=scope[step.name])
        assert isinstance(step, End)
        return self.end


def resolve(state):
    """The state that @state stands for."""
    seen = []
    while state.same_as:
        if state in seen:
            rec = next(s for s in seen if s.rec)
            raise Error(rec.place, f"recursion {rec.rec} comes back to itself without a message in between")
        seen.append(state)
        state = state.same_as
    return state


def settle(state, protocol, under_way=()):
    """Gives a choice the arcs of its branches."""
    if state.branches is None:
        return
    if state in under_way:
        raise Error(state.place, "this choice comes back to itself without a message in between")
    for branch in state.branches:
        head = resolve(branch)
        settle(head, protocol, under_way + (state,))
        if head.sender != state.sender:
            first = "the end" if head.is_end else f"a message from the {head.sender}"
            raise Error(branch.place if head.is_end else head.place,
                        f"a branch of a choice at the {state.sender} begins with {first}, not with a message "
                        f"from the {state.sender}",
                        f"the choice is at {state.place}: the other end learns of it by the first message")
        if head.within_ns and state.within_ns and head.within_ns != state.within_ns:
            raise Error(head.place, "the branches of a choice have different time limits")
        state.within_ns = state.within_ns or head.within_ns
        for message, arc in head.arcs.items():
            if message in state.arcs:
                raise Error(arc.place, f"two branches of a choice begin with {message}",
                            f"the other is at {state.arcs[message].place}: "
                            f"the {other(state.sender)} could not tell them apart")
            state.arcs[message] = arc
    state.branches = None


def other(role):
    return "server" if role == "client" else "client"


def reach(start, protocol):
    """All states that can be reached, in the order of the text."""
    order, todo = [], [start]
    while todo:
        state = todo.pop()
        if state in order:
            continue
        settle(state, protocol)
        order.append(state)
        for arc in state.arcs.values():
            arc.target = resolve(arc.target)
        todo += [arc.target for arc in reversed(state.arcs.values())]
    return order


def name_states(states, recs):
    """The first is start; others are named after their recursion, or the one message that leads there, or else what
    comes next."""
    for rec in recs:
        state = resolve(rec)
        state.rec = state.rec or rec.rec
    taken = {"end"}
    leads_to = {state: {a.message for s in states for a in s.arcs.values() if a.target is state} for state in states}
    for state in states:
        if state.is_end:
            state.name = "end"
            continue
        if state.rec or state is states[0]:
            base = state.rec or "start"
        elif len(leads_to[state]) == 1:
            base = f"after_{min(leads_to[state])}"
        else:
            base = f"before_{next(iter(state.arcs))}"
        number, state.name = 1, base
        while state.name in taken:
            number += 1
            state.name = f"{base}_{number}"
        taken.add(state.name)


def check_end(states, protocol):
    """From each state the end can be reached; or, in one that goes on for ever, from none."""
    finite = {s for s in states if s.is_end}
    if protocol.forever:
        if finite:
            raise Error(protocol.place, f"protocol {protocol.name} is said to go on forever, and can end",
                        "leave out 'forever'")
        return
    grown = True
    while grown:
        more = {s for s in states if any(a.target in finite for a in s.arcs.values())} - finite
        grown = bool(more)
        finite |= more
    endless = [state for state in states if state not in finite]
    if endless:
        where = min(endless, key=lambda state: len(reach(state, protocol)))  # inside, not on the way there
        raise Error(where.place, f"from here protocol {protocol.name} cannot reach its end",
                    f"if it is meant to go on for ever: protocol {protocol.name} forever {{ ... }}")


def check_reached(steps, states):
    """No step stands behind a choice or recursion that never falls through to it."""
    places = {arc.place for state in states for arc in state.arcs.values()}
    for step in steps:
        if isinstance(step, Send) and step.place not in places:
            raise Error(step.place, "this step is never reached", "each way to it ends or goes on elsewhere")
        inner = step.branches if isinstance(step, Choice) else [step.body] if isinstance(step, (Rec, Interruptible)) else []
        for block in inner:
            check_reached(block, states)


def build(protocol):
    """The states of @protocol; the first is where it begins."""
    builder = Builder(protocol)
    start = resolve(builder.block(protocol.body, builder.end, {}))
    states = reach(start, protocol)
    check_reached(protocol.body, states)
    check_end(states, protocol)
    for name, message in protocol.messages.items():
        if name not in builder.used:
            raise Error(message.place, f"nobody sends message {name}", "leave it out, or send it")
    if len(states) > STATES_MAX or len(protocol.messages) > MESSAGES_MAX:
        raise Error(protocol.place, f"protocol {protocol.name} has {len(states)} states and {len(protocol.messages)} "
                    f"messages; at most {STATES_MAX} and {MESSAGES_MAX} fit")
    name_states(states, builder.recs)
    return states


def words(states, role, most):
    """What the end @role may do, up to @most messages: each a tuple of '!m' (sends) and '?m' (receives)."""
    found, level = {()}, {(): states[0]}
    for _ in range(most):
        level = {word + (("!" if state.sender == role else "?") + arc.message,): arc.target
                 for word, state in level.items() for arc in state.arcs.values()}
        found |= set(level)
    return found
