/*
 * What the host's main program calls in libfwpkclnt; drivers don't.
 */
#ifndef OPENWFP_DRIVER_START_H
#define OPENWFP_DRIVER_START_H

#include <stdbool.h>

#include <windef.h>

/*
 * Serves callouts over the classify channel (protocol.h), a connected SOCK_SEQPACKET socket, which
 * is the runtime's from now on. control: a session that was opened through the engine's door, the
 * caller's. on_close is called, on a thread of the runtime, when the engine hangs up. False: errno
 * says why.
 */
bool OpenWfpCalloutsStart(int channel, HANDLE control, void (*on_close)(void *context),
                          void *context);

/* Unregisters what the driver left registered, ends all threads. Nothing of the driver runs any
 * more. Not from one of its functions. */
void OpenWfpCalloutsStop(void);

#endif
