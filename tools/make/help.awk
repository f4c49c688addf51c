# Prints each target with the text after its `##`, and each option likewise.
/^[a-z]+:.*## / {
	split($0, part, /:.*## /)
	printf "  make %-8s %s\n", part[1], part[2]
}
/^#: / {
	options = options "  " substr($0, 4) "\n"
}
END {
	printf "\nOptions:\n%s", options
}
