/*
 * What the host of a callout driver (fwpkclnt) needs beyond the management API. bfe starts it and
 * hands it a door: a SOCK_SEQPACKET socket through which the host sends one end of each connection
 * that it makes. What comes through the door belongs to this driver, whoever the host runs as.
 *
 * Functions return as those of fwpmu.h do; OpenWfpLastErrorText says more.
 */
#ifndef OPENWFP_CLIENT_DRIVER_H
#define OPENWFP_CLIENT_DRIVER_H

#include <stdbool.h>

#include <fwpmu.h>

/* From now on every connection of this process goes through the door, which stays the caller's; -1:
 * to the service's socket again. */
void OpenWfpConnectThrough(int door);

/*
 * The code of a callout is there: *id is the callout's, whether its object exists or not.
 * FWP_E_ALREADY_EXISTS: it is there already.
 */
DWORD OpenWfpDriverCalloutRegister(HANDLE engineHandle, const GUID *key, UINT32 flags,
                                   bool hasFlowDelete, bool hasNotify, UINT32 *id);
/* Returns when no classify of it runs. ERROR_BUSY: a flow has a context of it;
 * FWP_E_CALLOUT_NOT_FOUND. */
DWORD OpenWfpDriverCalloutUnregister(HANDLE engineHandle, UINT32 id);

/* Once: DriverEntry has returned this NTSTATUS. */
DWORD OpenWfpDriverReady(HANDLE engineHandle, NTSTATUS status);

#endif
