/*
 * What the host's main program calls in libfwpkclnt; drivers don't.
 */
#ifndef OPENWFP_DRIVER_START_H
#define OPENWFP_DRIVER_START_H

#include <stdbool.h>

#include <windef.h>

struct driver_host {
    /* A session that was opened through the engine's door: the host's; opened when it is asked for
     * first, because that waits until the engine serves. Called by several threads. */
    HANDLE (*control)(void *context);
    /* On a thread of the runtime, when the driver is to be unloaded: the engine stops, and the
     * driver knows, or it has hung up. May be called again. */
    void (*on_close)(void *context);
    void *context;
    bool engine_runs; /* else it will say so over the channel */
};

/* Serves callouts over the classify channel (protocol.h), a connected SOCK_SEQPACKET socket, which
 * is the runtime's from now on. False: errno says why. */
bool OpenWfpCalloutsStart(int channel, const struct driver_host *host);

/* Unregisters what the driver left registered, ends all threads. Nothing of the driver runs any
 * more. Not from one of its functions. */
void OpenWfpCalloutsStop(void);

#endif
