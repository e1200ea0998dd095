/*
 * Callout drivers: shared objects, each in a host process of its own (openwfp-driver-host). The
 * host has three ways to us:
 *   fd 3  a door: through it come the ends of RPC connections, which belong to this driver
 *   fd 4  the channel over which its callouts are asked (engine_host.h)
 *   its output, which goes to our log; the last line before an end tells why
 * A host that dies takes nothing along but its callouts' code.
 *
 * What is loaded is remembered by the store, and started again with the service.
 */
#ifndef OPENWFP_BFE_DRIVER_H
#define OPENWFP_BFE_DRIVER_H

#include <sys/types.h>

#include <openwfp.h>
#include <systemd/sd-event.h>

#include "engine_host.h"

struct client;
struct service;

#define DRIVER_NAME_MAX 63u
#define DRIVERS_MAX     64u

struct driver {
    struct driver *next;
    struct drivers *drivers;
    GUID key; /* of its entry in the journal */
    char *name, *path;
    OPENWFP_DRIVER_STATE state;
    bool remembered;
    struct client *waiting; /* whose load or unload is under way */

    pid_t pid; /* 0: no process */
    int door, output;
    sd_event_source *child, *door_io, *output_io, *hangup_io, *deadline;
    struct engine_host host;
    uint32_t status; /* NTSTATUS that DriverEntry returned */

    uint64_t since;        /* FILETIME of the last change of state */
    uint64_t started_us;   /* CLOCK_MONOTONIC */
    uint64_t restarted_us; /* when it was last restarted after a crash, 0 = never */
    uint32_t restarts;
    char reason[256];               /* why it failed */
    bool parted;                    /* it has hung up, and must end soon */
    const char *too_late;           /* what the deadline means */
    char line[256], last_line[256]; /* of its output: being read; the last one */
    size_t line_used;
};

struct drivers {
    struct service *service;
    struct driver *first;
    bool running; /* the service is: drivers are told */
};

struct driver *drivers_find(const struct drivers *drivers, const char *name);

/* CLIENT_WAITS: it is on its way, the client will be answered when DriverEntry has returned. */
uint32_t driver_load(struct client *client, const char *name, const char *path);
/* The same, when its process has ended. */
uint32_t driver_unload(struct client *client, const char *name);
/* DriverEntry has returned. */
uint32_t driver_ready(struct client *client, uint32_t status);
/* The client is gone: nobody waits for the answer. */
void drivers_forget_client(struct drivers *drivers, const struct client *client);

/* Those of the last run, which drivers_restore has started, hear that the service runs. */
void drivers_start(struct drivers *drivers);
/* Ends all hosts, in order if they can. */
void drivers_close(struct drivers *drivers);

/* ---- for the store ---- */

struct driver *drivers_find_key(const struct drivers *drivers, const GUID *key);
size_t driver_pack(const struct driver *driver, uint8_t *bytes, size_t room);
void drivers_restore(struct drivers *drivers, const GUID *key, const uint8_t *bytes, size_t size);
struct driver *drivers_add_known(struct drivers *drivers, const GUID *key, const char *name,
                                 const char *path);
/* Starts it, before the service runs (S4). */
void driver_start_known(struct driver *driver);
#define DRIVER_PACKED_MAX 8192u

/* ---- driver_process.c ---- */

/* Starts the host and its ways to us. 0, or a negative errno with driver->reason set. */
int driver_spawn(struct driver *driver);

/* ---- driver_io.c ---- */

/* Listens to the door, the output and the channel's end. 0 or a negative errno. */
int driver_listen(struct driver *driver);
/* Reads what it has said, into last_line. */
void driver_read(struct driver *driver);
/* Closes them, when its process has ended. */
void driver_hang_up(struct driver *driver);
/* Its process must end within the time. */
void driver_set_deadline(struct driver *driver, unsigned seconds, const char *why);
/* It broke the rules: its process is ended. */
void driver_kill(struct driver *driver, const char *why);

#endif
