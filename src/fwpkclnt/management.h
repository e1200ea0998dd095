/* From the codes of the management API to those that drivers get. */
#ifndef OPENWFP_DRIVER_MANAGEMENT_H
#define OPENWFP_DRIVER_MANAGEMENT_H

#include <stdbool.h>

#include <windef.h>

/* Logs the reason of a failure, which OpenWfpLastErrorText has. */
NTSTATUS management_status(const char *function, DWORD code);

/* Whether FwpmEngineOpen0 can go on: the engine runs. Until it does this waits, but not for a
 * driver that will be told when it does (state.c). */
bool management_may_open(void);

#endif
