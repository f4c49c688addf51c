"""What Fermata's GDB commands are made of: reading the kernel, its stacks, its trace."""
