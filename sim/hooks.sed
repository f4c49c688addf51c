# A hook's fast path in place of its call: what the compiler wrote as assembly goes through this before it is
# assembled. For its caller a call clobbers more than these two instructions do. When the budget is spent, hooks.c does
# the rest; the place of the hook is what follows the call, as always. A jump to a hook stays one: then there is no such place.
s/^\tcallq\{0,1\}\t__sanitizer_cov_\(trace_pc\)\(@PLT\)\{0,1\}$/\tcall\t__tsan_\1/
s/^\tcallq\{0,1\}\t__tsan_\(\(unaligned_\)\{0,1\}\(volatile_\)\{0,1\}\(read_\)\{0,1\}\(read\|write\)\(1\|2\|4\|8\|16\)\|trace_pc\)\(@PLT\)\{0,1\}$/\
\tsubq\t$1, sim_budget\
\tjns\t7f\
\tcall\t__tsan_slow_\1\
7:/

# Of the atomics the three that are most, carried out as C's in hooks.c are: nothing comes between.
s/^\tcallq\{0,1\}\t__tsan_\(atomic[0-9]*_\)\(load\|store\|fetch_add\)\(@PLT\)\{0,1\}$/\
\tsubq\t$1, sim_budget\
\tjs\t7f\
\t\1\2\
\tjmp\t8f\
7:\tcall\t__tsan_slow_\1\2\
8:/
s/\tatomic8_load\n/\tmovzbl\t(%rdi), %eax\n/
s/\tatomic16_load\n/\tmovzwl\t(%rdi), %eax\n/
s/\tatomic32_load\n/\tmovl\t(%rdi), %eax\n/
s/\tatomic64_load\n/\tmovq\t(%rdi), %rax\n/
s/\tatomic8_store\n/\tmovb\t%sil, (%rdi)\n/
s/\tatomic16_store\n/\tmovw\t%si, (%rdi)\n/
s/\tatomic32_store\n/\tmovl\t%esi, (%rdi)\n/
s/\tatomic64_store\n/\tmovq\t%rsi, (%rdi)\n/
s/\tatomic8_fetch_add\n/\tmovl\t%esi, %eax\n\txaddb\t%al, (%rdi)\n/
s/\tatomic16_fetch_add\n/\tmovl\t%esi, %eax\n\txaddw\t%ax, (%rdi)\n/
s/\tatomic32_fetch_add\n/\tmovl\t%esi, %eax\n\txaddl\t%eax, (%rdi)\n/
s/\tatomic64_fetch_add\n/\tmovq\t%rsi, %rax\n\txaddq\t%rax, (%rdi)\n/
