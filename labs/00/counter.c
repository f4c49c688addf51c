/* Adds 1 to `counter`. `lock` is there to be taken. tests/lab00_counter.c, whose part this is, calls it on two CPUs. */
static void __attribute__((noinline)) counter_add(void)
{
	bool irqs = spin_lock(&lock);

	counter++;
	spin_unlock(&lock, irqs);
}
