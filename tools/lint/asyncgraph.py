"""The control flow of an async function, from Clang's syntax tree; for the check beside it."""

AWAITABLE = "struct awaitable *"


def inner(node):
    return [child for child in node.get("inner", []) if "kind" in child]


def strip(node):
    while node.get("kind") in ("ParenExpr", "ConstantExpr"):
        node = inner(node)[0]
    return node


def walk(node):
    yield node
    for child in inner(node):
        yield from walk(child)


def functions_that_do_not_return(tree):
    """Those of C11's kind; an attribute is a part of the type."""
    return {node["name"] for node in inner(tree) if any(c["kind"] == "C11NoReturnAttr" for c in inner(node))}


class Block:
    def __init__(self):
        self.events, self.after, self.await_line = [], [], None


class Graph:
    """The control flow of one function: blocks of events.

    Events: ("use", path, line), ("set", path, line, whole), ("forget", path),
    ("keep", name or path, line, by). A path is (variable, member, member...).
    """

    def __init__(self, function, line_of, endless=()):
        self.line_of, self.endless = line_of, endless
        self.names, self.labels, self.breaks, self.continues, self.switches = {}, {}, [], [], []
        self.gotos = []
        self.blocks = []
        self.entry = self.block = self.new()
        self.resume = None  # the block that ends in the jump to where the function goes on
        body = next(c for c in inner(function) if c["kind"] == "CompoundStmt")
        self.begin = self.first_labels(body)  # where that jump goes at the first entry
        self.taken = {n["labelDeclId"] for n in walk(function) if n.get("kind") == "AddrLabelExpr"}
        for child in inner(function):
            if child["kind"] == "ParmVarDecl":
                self.declare(child)
                self.emit("set", (child["id"],), self.line(child), True)
        self.statement(body)
        for block, label in self.gotos:
            block.after.append(self.label(label))

    @staticmethod
    def first_labels(body):
        labels = set()
        for statement in inner(body):
            if statement["kind"] == "IndirectGotoStmt":
                break
            labels |= {n["labelDeclId"] for n in walk(statement) if n.get("kind") == "AddrLabelExpr"}
        return labels

    def new(self):
        self.blocks.append(Block())
        return self.blocks[-1]

    def follow(self, *blocks):
        """A new block, to which control comes from these."""
        block = self.new()
        for before in blocks:
            before.after.append(block)
        return block

    def label(self, ident):
        if ident not in self.labels:
            self.labels[ident] = self.new()
        return self.labels[ident]

    def emit(self, *event):
        self.block.events.append(event)

    def line(self, node):
        place = node.get("range", {}).get("begin", {}) or node.get("loc", {})
        place = place.get("expansionLoc", place)
        return self.line_of(place.get("offset", 0))

    def declare(self, node):
        self.names[node["id"]] = node.get("name", "?")

    # Statements.

    def statement(self, node):
        method = getattr(self, "do_" + node["kind"], None)
        if method:
            method(node)
        elif node["kind"].endswith("Stmt"):
            for child in inner(node):
                self.statement(child)
        else:
            self.value(node)

    def do_DeclStmt(self, node):
        for child in inner(node):
            if child["kind"] != "VarDecl" or child.get("storageClass") in ("static", "extern"):
                continue
            self.declare(child)
            parts = [c for c in inner(child) if not c["kind"].endswith(("Attr", "Comment"))]
            if "init" in child:
                self.value(parts[-1])
                self.emit("set", (child["id"],), self.line(child), True)
            else:
                self.emit("forget", (child["id"],))

    def do_IfStmt(self, node):
        parts = inner(node)
        constant = self.condition(parts[0])
        head, ends = self.block, []
        self.block = self.follow(head) if constant is not False else self.new()
        self.statement(parts[1])
        ends.append(self.block)
        if len(parts) > 2:
            self.block = self.follow(head) if constant is not True else self.new()
            self.statement(parts[2])
            ends.append(self.block)
        elif constant is not True:
            ends.append(head)
        self.block = self.follow(*ends)

    def loop(self, head, out, again, body):
        self.breaks.append(out)
        self.continues.append(again)
        self.statement(body)
        self.breaks.pop()
        self.continues.pop()

    def do_WhileStmt(self, node):
        parts = inner(node)
        head = self.block = self.follow(self.block)
        constant = self.condition(parts[0])
        out = self.follow(self.block) if constant is not True else self.new()
        self.block = self.follow(self.block)
        self.loop(head, out, head, parts[-1])
        self.block.after.append(head)
        self.block = out

    def do_DoStmt(self, node):
        parts = inner(node)
        start, check, out = self.follow(self.block), self.new(), self.new()
        self.block = start
        self.loop(start, out, check, parts[0])
        self.block.after.append(check)
        self.block = check
        constant = self.condition(parts[1])
        if constant is not False:
            self.block.after.append(start)
        if constant is not True:
            self.block.after.append(out)
        self.block = out

    def do_ForStmt(self, node):
        first, _, condition, step, body = node["inner"]
        if first:
            self.statement(first)
        head = self.block = self.follow(self.block)
        constant = self.condition(condition) if condition else True
        out = self.follow(self.block) if constant is not True else self.new()
        self.block = self.follow(self.block)
        again = self.new()
        self.loop(head, out, again, body)
        self.block.after.append(again)
        self.block = again
        if step:
            self.value(step)
        self.block.after.append(head)
        self.block = out

    def do_SwitchStmt(self, node):
        parts = inner(node)
        self.value(parts[0])
        over = strip(parts[0])
        while over["kind"] == "ImplicitCastExpr":
            over = strip(inner(over)[0])
        # Of an enumeration, all values have a case where there is no default: -Wswitch sees to that.
        whole = over["type"].get("desugaredQualType", over["type"]["qualType"]).startswith("enum ")
        out = self.new()
        self.switches.append({"head": self.block, "default": whole})
        self.breaks.append(out)
        self.block = self.new()  # what stands before the first case is reached by a label only
        self.statement(parts[-1])
        self.block.after.append(out)
        self.breaks.pop()
        if not self.switches[-1]["default"]:
            self.switches[-1]["head"].after.append(out)
        self.switches.pop()
        self.block = out

    def do_CaseStmt(self, node):
        self.block = self.follow(self.block, self.switches[-1]["head"])
        self.statement(inner(node)[-1])

    def do_DefaultStmt(self, node):
        self.switches[-1]["default"] = True
        self.do_CaseStmt(node)

    def do_BreakStmt(self, _):
        self.block.after.append(self.breaks[-1])
        self.block = self.new()

    def do_ContinueStmt(self, _):
        self.block.after.append(self.continues[-1])
        self.block = self.new()

    def do_GotoStmt(self, node):
        self.gotos.append((self.block, node["targetLabelDeclId"]))
        self.block = self.new()

    def do_IndirectGotoStmt(self, node):
        self.value(inner(node)[0])
        self.resume = self.block
        for label in self.begin:
            self.gotos.append((self.block, label))
        self.block = self.new()

    def do_LabelStmt(self, node):
        block = self.label(node["declId"])
        self.block.after.append(block)
        self.block = block
        child = inner(node)[0]
        if node["declId"] in self.taken - self.begin:
            block.await_line = self.line(node)
            call = next((n for n in walk(child) if n["kind"] == "CallExpr"), None)
            if call:
                self.value(call, "the awaited call")
        self.statement(child)

    def do_ReturnStmt(self, node):
        for child in inner(node):
            self.value(child)
        self.block = self.new()

    # Expressions. by: who keeps an address that is the value of this expression; "" for a call that
    # only looks, "set" for one that may set what it points to, None for nobody.

    def condition(self, node):
        self.value(node)
        node = strip(node)
        while node["kind"] == "ImplicitCastExpr":
            node = strip(inner(node)[0])
        return bool(int(node["value"])) if node["kind"] == "IntegerLiteral" else None

    def path(self, node):
        """(path, whole) of a local variable or a part of it; None for anything else."""
        node = strip(node)
        if node["kind"] == "DeclRefExpr":
            ident = node["referencedDecl"]["id"]
            return ((ident,), True) if ident in self.names else None
        if node["kind"] == "MemberExpr" and not node.get("isArrow"):
            base = self.path(inner(node)[0])
            return base and (base[0] + (node["name"],) if base[1] else base[0], base[1])
        if node["kind"] == "ArraySubscriptExpr":
            array = strip(inner(node)[0])
            if array["kind"] == "ImplicitCastExpr" and array.get("castKind") == "ArrayToPointerDecay":
                base = self.path(inner(array)[0])
                return base and (base[0], False)
        return None

    def indices(self, node):
        """The values that are used on the way to a part of a variable."""
        node = strip(node)
        if node["kind"] == "ArraySubscriptExpr":
            self.value(inner(node)[1])
            self.indices(inner(strip(inner(node)[0]))[0])
        elif node["kind"] == "MemberExpr":
            self.indices(inner(node)[0])

    def use(self, node, found):
        self.indices(node)
        self.emit("use", found[0], self.line(node))

    def set(self, node, found):
        self.indices(node)
        self.emit("set", found[0], self.line(node), found[1])

    def address(self, node, by):
        node = strip(node)
        found = self.path(node)
        if node["kind"] == "CompoundLiteralExpr":
            if by not in (None, "", "set"):
                self.emit("keep", None, self.line(node), by)
            self.value(node)
        elif not found:
            self.value(node)
        elif by in (None, "set"):
            self.set(node, found)
        elif by == "":
            self.use(node, found)
        else:
            self.set(node, found)
            self.emit("keep", found[0], self.line(node), by)

    def value(self, node, by=None):
        method = getattr(self, "value_" + node["kind"], None)
        if method:
            method(node, by)
        elif node["kind"].endswith("Stmt"):
            self.statement(node)
        else:
            found = self.path(node)
            if found:
                self.use(node, found)
                return
            for child in inner(node):
                self.value(child)

    def value_UnaryExprOrTypeTraitExpr(self, node, by):
        pass

    value_OffsetOfExpr = value_UnaryExprOrTypeTraitExpr

    def value_GenericSelectionExpr(self, node, by):
        for choice in node["inner"]:
            if choice.get("selected"):
                self.value(inner(choice)[-1], by)

    def value_AddrLabelExpr(self, node, by):
        """Who keeps where to go on will go on there, whether or not control falls through to it."""
        self.gotos.append((self.block, node["labelDeclId"]))

    def value_ParenExpr(self, node, by):
        self.value(inner(node)[0], by)

    value_CStyleCastExpr = value_ConstantExpr = value_ParenExpr

    def value_ImplicitCastExpr(self, node, by):
        child = inner(node)[0]
        if node["castKind"] == "ArrayToPointerDecay":
            self.address(child, by)
        else:
            self.value(child, by)

    def value_UnaryOperator(self, node, by):
        child = inner(node)[0]
        if node["opcode"] == "&":
            self.address(child, by)
            return
        found = self.path(child) if node["opcode"] in ("++", "--") else None
        if found:
            self.use(child, found)
            self.set(child, found)
        else:
            self.value(child)

    def value_BinaryOperator(self, node, by):
        left, right = inner(node)
        if node["opcode"] in ("&&", "||"):
            self.value(left)
            head = self.block
            self.block = self.follow(head)
            self.value(right)
            self.block = self.follow(head, self.block)
        elif node["opcode"] == "=":
            found = self.path(left)
            self.value(right, None if found else "the frame or a variable that is not local")
            if found:
                self.set(left, found)
            else:
                self.value(left)
        else:
            self.value(left)
            self.value(right, by if node["opcode"] == "," else None)

    def value_CompoundAssignOperator(self, node, by):
        left, right = inner(node)
        self.value(right)
        found = self.path(left)
        if found:
            self.use(left, found)
            self.set(left, found)
        else:
            self.value(left)

    def value_ConditionalOperator(self, node, by):
        test, yes, no = inner(node)
        self.value(test)
        head = self.block
        self.block = self.follow(head)
        self.value(yes, by)
        end = self.block
        self.block = self.follow(head)
        self.value(no, by)
        self.block = self.follow(end, self.block)

    def value_StmtExpr(self, node, by):
        self.statement(inner(node)[0])

    def value_CallExpr(self, node, by):
        callee, *given = inner(node)
        kind = node["type"].get("desugaredQualType", node["type"]["qualType"])
        name = next((n["referencedDecl"].get("name") for n in walk(callee) if n.get("kind") == "DeclRefExpr"), "a call")
        self.value(callee)
        for argument in given:
            pointee = argument["type"]["qualType"]
            looks = pointee.startswith("const ") and pointee.count("*") == 1
            keeps = name if kind == AWAITABLE else by if by == "the awaited call" else None
            self.value(argument, keeps or ("" if looks else "set"))
        if name in self.endless or "noreturn" in callee["type"]["qualType"]:
            self.block = self.new()
