# A hook's fast path in place of its call: what the compiler wrote as assembly goes through this before it is assembled.
# For its caller a call clobbers more than these instructions do. When the budget is spent, hooks.c does the rest; the
# place of the hook is what follows the call, as always. A jump to a hook stays one: then there is no such place.
#
# The budget in memory is right at any time. In straight code, from one hook to the next, it is in r11 as well, so that a
# hook need not wait until the one before it has stored it. Where straight code may end, or r11 is used, it is forgotten.

function body(op, bits)
{
	bits = substr(op, 7) + 0
	if (op ~ /load$/)
		return "\t" (bits < 32 ? "movz" SUFFIX[bits] "l" : "mov" SUFFIX[bits]) "\t(%rdi), %" (bits == 64 ? "rax" : "eax")
	if (op ~ /store$/)
		return "\tmov" SUFFIX[bits] "\t%" SI[bits] ", (%rdi)"
	return (bits == 64 ? "\tmovq\t%rsi, %rax" : "\tmovl\t%esi, %eax") "\n\txadd" SUFFIX[bits] "\t%" AX[bits] ", (%rdi)"
}

BEGIN {
	split("8 b sil al 16 w si ax 32 l esi eax 64 q rsi rax", word, " ")
	for (i = 1; i in word; i += 4) {
		SUFFIX[word[i]] = word[i + 1]
		SI[word[i]] = word[i + 2]
		AX[word[i]] = word[i + 3]
	}
	LOAD = "\tmovq\tsim_budget, %r11"
}

$1 ~ /^callq?$/ {
	op = $2
	sub(/@PLT$/, "", op)
	sub(/^__sanitizer_cov_trace_pc$/, "__tsan_trace_pc", op)
	plain = op ~ /^__tsan_((unaligned_)?(volatile_)?(read_)?(read|write)(1|2|4|8|16)|trace_pc)$/
	# Of the atomics the three that are most, carried out as C's in hooks.c are: nothing comes between.
	atomic = op ~ /^__tsan_atomic[0-9]+_(load|store|fetch_add)$/
	if (!plain && !atomic) {
		held = 0
		print
		next
	}
	sub(/^__tsan_/, "", op)
	if (!held)
		print LOAD
	held = 1
	print "\tsubq\t$1, %r11\n\tmovq\t%r11, sim_budget"
	if (atomic)
		print "\tjs\t7f\n" body(op) "\n\tjmp\t8f\n7:\tcall\t__tsan_slow_" op "\n" LOAD "\n8:"
	else
		print "\tjns\t7f\n\tcall\t__tsan_slow_" op "\n" LOAD "\n7:"
	next
}

# Labels but the compilers' own for debuggers, at which nobody arrives; and what somebody else wrote.
(/^[^\t #]+:/ && !/^\.L(tmp|VL|VU|BE|BI|BB)[0-9]+:/) || /^#APP/ || /r11/ { held = 0 }

{ print }
