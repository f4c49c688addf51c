"""Wrong descriptions of protocols: a name, the text, and what the generator must say of it.

The text stands in `protocol p { ... }` unless it brings its own. What is said begins with LINE:COLUMN,
counted in the text as it is here, and is followed by a part of the message.
"""

WRONG = [
    # Words and sentences.
    ("character", "client sends a$;", "1:15: error: unexpected character '$'"),
    ("comment", "client sends a; /* and then", "1:17: error: this comment does not end"),
    ("no-protocol", "include \"a.h\";\n", "1:15: error: there is no protocol in this file"),
    ("top-level", "protocols p { }", "1:1: error: expected 'include', 'import' or 'protocol', found 'protocols'"),
    ("include", "include a;\n", "1:9: error: expected a header like \"async/file.h\" in quotes, found 'a'"),
    ("no-name", "protocol { }", "1:10: error: expected the name of a protocol, found '{'"),
    ("no-brace", "protocol p message a;", "1:12: error: expected '{', found 'message'"),
    ("unfinished", "protocol p {\n\tmessage a;\n\tclient sends a;\n", "3:17: error: expected a step, found the end of the file"),
    ("keyword", "message sends;\nclient sends sends;", "1:9: error: 'sends' is a keyword and cannot be the name of a message"),
    ("c-keyword", "message int;\nclient sends int;", "1:9: error: 'int' is a keyword"),
    ("capital", "message Open;\nclient sends Open;", "1:9: error: the name of a message is not in lower case"),
    ("reserved", "message after_lunch;\nclient sends after_lunch;", "1:9: error: 'after_lunch' cannot be the name of a message"),
    ("reserved-rec", "message a;\nrec start { client sends a; continue start; }", "2:5: error: 'start' cannot be the name of a recursion"),
    ("no-step", "message a;", "1:11: error: protocol p has no step"),
    ("step", "message a;\nclient sends a;\nserver says a;", "3:8: error: expected 'sends' or 'may' behind 'server', found 'says'"),
    ("not-a-step", "message a;\nclient sends a;\na;", "3:1: error: expected a step, found 'a'"),
    ("no-semicolon", "message a;\nclient sends a\nclient sends a;", "3:1: error: expected ';' or 'within' behind message a, found 'client'"),
    ("role", "message a;\nchoice at broker { client sends a; } or { client sends a; }", "2:11: error: expected 'client' or 'server' behind 'choice at', found 'broker'"),
    ("no-at", "choice client { }", "1:8: error: expected 'at', found 'client'"),
    ("one-branch", "message a;\nchoice at client { client sends a; }\n", "3:1: error: expected 'or' and another branch of the choice, found '}'"),
    ("empty-branch", "message a;\nchoice at client { client sends a; } or { }", "2:43: error: this branch has no step"),
    ("empty-rec", "rec again { }", "1:13: error: rec again has no step"),
    ("late-message", "message a;\nclient sends a;\nmessage b;", "3:1: error: expected a step, found 'message'"),
    ("queue", "queue 0;\nmessage a;\nclient sends a;", "1:7: error: expected a number of messages, 1 to 64, found '0'"),
    ("time", "message a;\nclient sends a within soon;", "2:23: error: expected a time, 1 to 1000000000, found 'soon'"),
    ("unit", "message a;\nclient sends a within 3 min;", "2:25: error: expected a unit of time, ns, us, ms or s, found 'min'"),
    ("tabs", "message a;\n\tclient\tsends\tb;", "2:15: error: message b is not declared"),

    ("interrupt", "message a;\nclient may send a;", "2:12: error: expected 'interrupt', found 'send'"),
    ("interrupt-twice", "message a;\nclient may interrupt { client sends a; server may interrupt { client sends a; } }",
     "2:40: error: a block that may be interrupted stands within another"),
    ("empty-interrupt", "client may interrupt { }", "1:24: error: this block has no step"),

    # Protocols with parameters.
    ("import", "import \"nowhere.session\";\n", "1:8: error: there is no file nowhere.session"),
    ("import-what", "import action;\n", "1:8: error: expected a description like \"async/action.session\" in quotes, found 'action'"),
    ("no-base", "protocol p is action { }", "1:15: error: there is no protocol action with parameters above"),
    ("base-without-parameters", "protocol a { message m; client sends m; }\nprotocol p is a { }",
     "2:15: error: there is no protocol a with parameters above"),
    ("parameter-missing", "protocol a(m, n) { client sends m; server sends n; }\nprotocol p is a { message m; }",
     "2:30: error: protocol p does not declare message n"),
    ("no-parameter", "protocol a(m) { message n; client sends m; server sends n; }\nprotocol p is a { message m; message n; }",
     "2:38: error: message n is no parameter of protocol a"),
    ("parameter-twice", "protocol a(m) { client sends m; }\nprotocol p is a { message m; message m { u8 x; } }",
     "2:38: error: message m is declared twice"),
    ("steps-in-an-instance", "protocol a(m) { client sends m; }\nprotocol p is a { message m; client sends m; }",
     "2:30: error: expected '}' or 'message', found 'client'"),
    ("wrong-base", "protocol a(m) { client sends m; client sends n; }", "1:46: error: message n is not declared"),

    # Messages.
    ("undeclared", "message a;\nclient sends a;\nserver sends b;", "3:14: error: message b is not declared"),
    ("twice", "message a;\nmessage b;\nmessage a { u8 x; }\nclient sends a;", "3:9: error: message a is declared twice"),
    ("unused", "message a;\nmessage b;\nclient sends a;", "2:9: error: nobody sends message b"),
    ("type", "message a { float x; }\nclient sends a;", "1:13: error: expected a type, found 'float'"),
    ("unknown-type", "message a { mode x; }\nclient sends a;", "1:13: error: expected a type, found 'mode'"),
    ("no-include", "message a { struct file *f; }\nclient sends a;", "1:13: error: struct file is declared nowhere"),
    ("no-include-2", "message a = struct file;\nclient sends a;", "1:13: error: struct file is declared nowhere"),
    ("field", "message a { u8; }\nclient sends a;", "1:15: error: expected the name of a field, found ';'"),
    ("field-end", "message a { u8 x }\nclient sends a;", "1:18: error: expected ';', found '}'"),
    ("array", "message a { u8 x[0]; }\nclient sends a;", "1:18: error: expected a number of elements, 1 to 4096, found '0'"),
    ("empty-message", "message a { }\nclient sends a;", "1:9: error: message a has braces and no field"),
    ("protocol-twice", "protocol p { message a; client sends a; }\nprotocol p { message a; client sends a; }",
     "2:10: error: protocol p is described twice"),

    # Choices.
    ("ambiguous", "message a;\nmessage b;\nchoice at client { client sends a; } or {\nclient sends a; client sends b; }",
     "4:14: error: two branches of a choice begin with a"),
    ("ambiguous-rec", "message a;\nchoice at client { client sends a; } or { rec r {\nclient sends a; continue r; } }",
     "3:14: error: two branches of a choice begin with a"),
    ("ambiguous-nested", "message a;\nmessage b;\nchoice at client { client sends a; }\nor { choice at client { client sends b; } or { client sends a; } }",
     "4:61: error: two branches of a choice begin with a"),
    ("wrong-chooser", "message a;\nmessage b;\nchoice at client { client sends a; } or {\nserver sends b; }",
     "4:14: error: a branch of a choice at the client begins with a message from the server"),
    ("wrong-chooser-rec", "message a;\nmessage b;\nrec r { server sends a; choice at client { client sends b; } or { continue r; } }",
     "3:22: error: a branch of a choice at the client begins with a message from the server"),
    ("silent-end", "message a;\nchoice at client { client sends a; } or {\nend; }",
     "error: a branch of a choice at the client begins with the end"),
    ("limits", "message a;\nmessage b;\nchoice at client { client sends a within 1 ms; } or { client sends b within 2 ms; }",
     "3:68: error: the branches of a choice have different time limits"),

    # Recursion and the end.
    ("unguarded", "rec r { continue r; }", "1:5: error: recursion r comes back to itself without a message in between"),
    ("unguarded-2", "rec r { rec s { continue r; } }", "1:5: error: recursion r comes back to itself without a message"),
    ("unguarded-choice", "message a;\nrec r {\nchoice at client { client sends a; } or { continue r; } }",
     "3:1: error: this choice comes back to itself without a message in between"),
    ("unknown-rec", "message a;\nclient sends a;\ncontinue loop;", "3:10: error: there is no recursion loop around this"),
    ("rec-over", "message a;\nrec r { client sends a; }\ncontinue r;", "3:10: error: there is no recursion r around this"),
    ("rec-within", "message a;\nrec r { client sends a; rec r { server sends a; continue r; } }", "2:29: error: recursion r stands within another"),
    ("rec-twice", "message a;\nrec r { client sends a; }\nrec r { client sends a; }", "error: there are two recursions r"),
    ("rec-message", "message a;\nrec a { client sends a; }", "2:5: error: recursion a has the name of a message"),
    ("endless", "message a;\nmessage b;\nclient sends b;\nrec r { client sends a;\ncontinue r; }", "4:22: error: from here protocol p cannot reach its end"),
    ("half-endless", "message a;\nmessage b;\nmessage c;\nchoice at client { client sends a; } or { client sends b; rec r {\nserver sends c; continue r; } }",
     "5:14: error: from here protocol p cannot reach its end"),
    ("forever", "protocol p forever {\n\tmessage a;\n\tclient sends a;\n}", "1:10: error: protocol p is said to go on forever, and can end"),
    ("behind-end", "message a;\nclient sends a;\nend;\nclient sends a;", "4:1: error: this step is never reached"),
    ("behind-continue", "message a;\nrec r { client sends a; continue r; client sends a; }", "2:37: error: this step is never reached"),
    ("behind-rec", "protocol p forever {\n\tmessage a;\n\trec r { client sends a; continue r; }\n\tclient sends a;\n}",
     "4:15: error: this step is never reached"),
    ("behind-choice", "message a;\nmessage b;\nchoice at client { client sends a; end; } or { client sends b; end; }\nserver sends a;",
     "4:14: error: this step is never reached"),
    ("too-many-states", "message a;\n" + "client sends a;\n" * 260, "protocol p has 261 states"),
]


def whole(text):
    """(the file's text, lines in front of the text)"""
    if text.startswith(("protocol", "include", "import")):
        return text, 0
    return "protocol p {\n" + text + "}\n", 1
