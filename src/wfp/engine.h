/*
 * bfe as the commands see it: open a session or say why not, turn error codes into sentences and
 * exit codes.
 */
#ifndef OPENWFP_WFP_ENGINE_H
#define OPENWFP_WFP_ENGINE_H

#include <fwpmu.h>

#include "src/wfp/cli.h"

/* EXIT_DONE and an open handle, or an exit code after a message. */
int engine_open(const struct cli *cli, UINT32 session_flags, HANDLE *engine);

/* Says what failed and why, by the library's last error. Returns the exit code for it. */
int engine_fail(const struct cli *cli, DWORD code, const char *what);

/* Whether a code means that the service is not there (any more). */
bool engine_is_gone(DWORD code);

#endif
