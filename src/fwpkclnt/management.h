/* From the codes of the management API to those that drivers get. */
#ifndef OPENWFP_DRIVER_MANAGEMENT_H
#define OPENWFP_DRIVER_MANAGEMENT_H

#include <windef.h>

/* Logs the reason of a failure, which OpenWfpLastErrorText has. */
NTSTATUS management_status(const char *function, DWORD code);

#endif
