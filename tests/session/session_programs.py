"""Wrong programs, each an edit of tests/unit/async/libraries.c: (name, why, old text, new text, what gcc says, what
clang says). Old text must stand once."""

GENERIC_GCC = r"error: .?_Generic.? selector of type .struct {} \*. is not compatible with any association"
GENERIC_CLANG = r"error: controlling expression type 'struct {} \*' not compatible with any generic association type"
STALE_GCC = r"error: .{}. may be used uninitialized \[-Werror=maybe-uninitialized\]"
STALE_CLANG = (r"error: variable '{}' (may be uninitialized when used here|is used uninitialized whenever .*) "
               r"\[-Werror,-W(conditional|sometimes)-uninitialized\]")


def no_such_step(token):
    return GENERIC_GCC.format(token), GENERIC_CLANG.format(token)


def stale(variable):
    return STALE_GCC.format(variable), STALE_CLANG.format(variable)


SEND_OPEN = "AWAIT_STEP(me, opening, library_send_open(start, open));"
RECEIVE_ANSWER = "AWAIT_STEP(me, offer, library_receive(opening, &me->answer));"
RECEIVE_DATA = "AWAIT_STEP(me, reading, library_receive(asked, &me->data));"
SEND_SHUT = "AWAIT_STEP(me, end, library_send_shut(reading));"
TAKE_OPENED = "reading = library_take_opened(offer);"

WRONG = [
    # Steps that the state does not have.
    ("message-of-another-state", "reads before it opened", "library_send_open(start, open)",
     "library_send_read(start, (struct library_read){1})", *no_such_step("library_client_start")),
    ("out-of-turn", "receives where it is to send", SEND_OPEN,
     "AWAIT_STEP(me, opening, library_receive(start, &me->answer));", *no_such_step("library_client_start")),
    ("both-send", "sends where it is to receive", RECEIVE_DATA,
     "AWAIT_STEP(me, reading, library_send_shut(asked));", *no_such_step("library_client_after_read")),
    ("message-of-the-other-end", "the client sends what only the server may", SEND_SHUT,
     "AWAIT_STEP(me, end, library_send_data(reading, me->data));", *no_such_step("library_client_reading")),
    ("no-such-message", "a message that the protocol does not have", SEND_SHUT,
     "AWAIT_STEP(me, end, library_send_close(reading));", r"error: implicit declaration of function .library_send_close.",
     r"error: implicit declaration of function 'library_send_close' is invalid in C99"),
    ("step-behind-the-end", "goes on after the end", SEND_SHUT, SEND_SHUT + " AWAIT_STEP(me, end, library_send_shut(end));",
     *no_such_step("library_client_end")),
    ("choice-not-looked-at", "goes on without asking which message came", TAKE_OPENED,
     "AWAIT_STEP(me, asked, library_send_read(offer, (struct library_read){1}));",
     *no_such_step("library_client_after_open_offer")),
    ("branch-of-another-choice", "takes a branch that this choice does not have", TAKE_OPENED,
     "reading = library_take_shut(offer);", *no_such_step("library_client_after_open_offer")),
    ("state-of-another-protocol", "an end of another protocol", "start = library_connect(&me->library, me->service);",
     "static struct walk_client walk; start = library_connect(&walk, me->service);",
     r"error: passing argument 2 of .library_client_connect. from incompatible pointer type",
     r"error: incompatible pointer types passing 'struct walk_client \*' to parameter of type 'struct library_client \*'"),
    ("wrong-end", "the client accepts", "start = library_connect(&me->library, me->service);",
     "start = library_accept(&me->library, me->service);",
     r"error: passing argument 2 of .library_server_accept. from incompatible pointer type",
     r"error: incompatible pointer types passing 'struct library_client \*' to parameter of type 'struct library_server \*'"),

    # Contents.
    ("wrong-contents", "another message's contents", "library_send_open(start, open)",
     "library_send_open(start, (struct library_read){1})", r"error: incompatible type for argument 3",
     r"error: passing 'struct library_read' to parameter of incompatible type 'struct library_open'"),
    ("no-contents", "nothing where there are contents", "library_send_open(start, open)", "library_send_open(start)",
     r"error: too few arguments to function", r"error: too few arguments to function call"),
    ("contents-of-nothing", "contents where there are none", "library_send_shut(reading)", "library_send_shut(reading, open)",
     r"error: too many arguments to function", r"error: too many arguments to function call"),
    ("received-elsewhere", "received into what is meant for another", RECEIVE_DATA,
     "AWAIT_STEP(me, reading, library_receive(asked, &me->answer));",
     r"error: passing argument 3 .* from incompatible pointer type",
     r"error: incompatible pointer types passing 'union library_after_open \*' to parameter of type 'struct library_data \*'"),

    # Where a step leads.
    ("wrong-next-state", "takes itself to be in another state", SEND_OPEN,
     "AWAIT_STEP(me, reading, library_send_open(start, open));",
     r"error: assignment to .struct library_client_reading \*. from incompatible pointer type .struct library_client_after_open \*.",
     r"error: incompatible pointer types assigning to 'struct library_client_reading \*' from 'struct library_client_after_open \*'"),
    ("wrong-branch", "confuses two branches", TAKE_OPENED, "reading = library_take_missing(offer);",
     r"error: assignment to .struct library_client_reading \*. from incompatible pointer type .struct library_client_end \*.",
     r"error: incompatible pointer types assigning to 'struct library_client_reading \*' from 'struct library_client_end \*'"),
    ("branch-forgotten", "does not say what happens in a branch",
     "	case LIBRARY_AFTER_OPEN_MISSING:\n		end = library_take_missing(offer);\n"
     "		ASYNC_RETURN(me, end ? me->answer.missing.why : 1);\n", "",
     r"error: enumeration value .LIBRARY_AFTER_OPEN_MISSING. not handled in switch",
     r"error: enumeration value 'LIBRARY_AFTER_OPEN_MISSING' not handled in switch"),
    ("failure-forgotten", "does not say what happens when the session ends early",
     "			case LIBRARY_READING_OVER:\n				CHECK(0);\n				goto next;\n", "",
     r"error: enumeration value .LIBRARY_READING_OVER. not handled in switch",
     r"error: enumeration value 'LIBRARY_READING_OVER' not handled in switch"),

    # States are used once: they do not survive the step that consumed them.
    ("used-twice", "sends twice from one state", SEND_OPEN, SEND_OPEN + " " + SEND_OPEN, *stale("start")),
    ("old-state-in-a-loop", "does not go on to the state that follows", RECEIVE_DATA,
     "struct library_client_reading *next; AWAIT_STEP(me, next, library_receive(asked, &me->data)); if (!next) break;",
     *stale("reading")),
    ("offer-used-late", "takes the branch after another step", TAKE_OPENED,
     TAKE_OPENED + " AWAIT_STEP(me, asked, library_send_read(reading, (struct library_read){1})); "
     "AWAIT_STEP(me, reading, library_receive(asked, &me->data)); reading = library_take_opened(offer);", *stale("offer")),
    ("state-across-an-await", "keeps a state across the await of something else", RECEIVE_ANSWER,
     "static struct sleep sleep; AWAIT(me, sleep_for(&sleep, 1)); " + RECEIVE_ANSWER, *stale("opening")),
    ("received-twice", "receives twice from one state", RECEIVE_ANSWER, RECEIVE_ANSWER + " " + RECEIVE_ANSWER, *stale("opening")),
    ("step-left-out", "never makes the step that leads there", RECEIVE_DATA, "",
     STALE_GCC.format("reading"), STALE_CLANG.format("reading")),
]

OPEN_AGAIN = " AWAIT_STEP(me, opening, library_send_open(kept, (struct library_open){}));"

# What compiles without a word: (name, why, old text, new text, what the monitor says of it). None: it is no step that
# the protocol forbids, and only the other end sees that nothing more comes.
SILENT = [
    ("state-kept-in-the-frame", "a state that was kept elsewhere is used again", SEND_OPEN,
     "static struct library_client_start *kept; kept = start; " + SEND_OPEN + OPEN_AGAIN,
     "client in state after_open sends open as in state start; may receive opened or missing"),
    ("wrong-branch-of-the-switch", "the branch that did not come", "		reading = library_take_opened(offer);\n",
     "		end = library_take_missing(offer);\n		ASYNC_RETURN(me, !end);\n",
     "client in state reading takes missing; may send read or shut"),
    ("state-asked-for", "asks for a state in which it is not", RECEIVE_DATA,
     "AWAIT_STEP(me, asked, library_send_read(library_at_reading(&me->library), (struct library_read){1})); " + RECEIVE_DATA,
     "client in state after_read goes on as in state reading; may receive data"),
    ("cast", "a state that was cast", SEND_OPEN,
     "AWAIT_STEP(me, end, library_send_shut((struct library_client_reading *)start)); "
     "opening = library_at_after_open(&me->library); if (!opening && !end) ASYNC_RETURN(me, 1);",
     "client in state start sends shut as in state reading; may send open"),
    ("end-not-looked-at", "does not look whether the last step happened", "ASYNC_RETURN(me, end ? 0 : 1);",
     "ASYNC_RETURN(me, 0);", None),
    ("left-half-way", "stops where the protocol goes on", SEND_SHUT, "end = NULL;", None),
]
