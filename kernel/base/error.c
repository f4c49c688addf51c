#include "base/error.h"
#include "base/types.h"

const char *err_name(int err)
{
	static const char *const names[] = {
		[0] = "ok",
		[-ERR_INVAL] = "invalid argument",
		[-ERR_NOMEM] = "out of memory",
		[-ERR_NODEV] = "no such device",
		[-ERR_BUSY] = "busy",
		[-ERR_CLOSED] = "closed",
		[-ERR_AGAIN] = "would wait",
		[-ERR_TIMEOUT] = "timed out",
		[-ERR_CANCELED] = "canceled",
		[-ERR_CORRUPT] = "corrupt",
		[-ERR_NOTSUP] = "not supported",
		[-ERR_PROTOCOL] = "protocol broken",
		[-ERR_FAULTED] = "faulted",
		[-ERR_POISONED] = "poisoned",
	};

	if (err > 0 || err <= -(int)ARRAY_LEN(names))
		return "unknown error";
	return names[-err];
}
