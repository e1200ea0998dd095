/*
 * The runtime of callouts in a driver's host: one for the process.
 *
 * Its threads read the classify channel, put each message into the inbox of its operation and run
 * what is there, one at a time per operation. What is not about an operation
 * (notifications, ends of flows, completions of injections) goes into the inbox of number 0, in
 * order. All state is under one lock, which is never held while a driver's function runs or a
 * message is sent.
 *
 * Whatever a driver holds in its hands is a number or is looked up before it is believed: a handle
 * that is stale is refused and logged.
 */
#ifndef OPENWFP_DRIVER_RUNTIME_H
#define OPENWFP_DRIVER_RUNTIME_H

#include <pthread.h>
#include <stdbool.h>

#include <fwpsk.h>

#include "fwpkclnt/protocol.h"
#include "fwpkclnt/start.h"
#include "fwpkclnt/table.h"

#define EXPORT __attribute__((visibility("default")))

#define RUNTIME_THREADS  5    /* one of them always waits for messages, */
#define RUNTIME_READERS  2    /* so many at most */
#define COMPLETE_WAIT_MS 1000 /* what FwpsCompleteOperation0 waits for the second classify */

/* ---- the process's runtime ---- */

struct operation;

struct runtime {
    pthread_mutex_t lock;
    pthread_cond_t changed; /* anything that anybody waits for */
    pthread_cond_t ready;   /* for the threads: there is an operation to run */
    int channel;            /* -1: not started */
    int epoll, hangup;      /* of the channel */
    bool closed;            /* the engine hung up, or the runtime is being stopped */
    bool stopping;
    struct driver_host host;
    struct table operations, pends, handles, redirectors, callouts, flows, views, injections;
    struct operation *ready_first, **ready_last;
    uint64_t last_number;     /* of pends, handles, injections: never given twice */
    unsigned registering;     /* FwpsCalloutRegister calls that wait for their id */
    FWPM_SERVICE_STATE state; /* of the base filtering engine */
    struct state_subscription *subscriptions;
    pthread_t threads[RUNTIME_THREADS];
    unsigned thread_count;
    unsigned idle, readers; /* threads */
};

extern struct runtime runtime;

/* The session for what goes over the management connection. Not with the lock held. */
static inline HANDLE runtime_control(void)
{
    return runtime.host.control(runtime.host.context);
}

static inline void runtime_lock(void)
{
    pthread_mutex_lock(&runtime.lock);
}

static inline void runtime_unlock(void)
{
    pthread_mutex_unlock(&runtime.lock);
}

/* With the lock held, which is free while it waits. */
static inline void runtime_wait(void)
{
    pthread_cond_wait(&runtime.changed, &runtime.lock);
}

static inline void runtime_changed(void)
{
    pthread_cond_broadcast(&runtime.changed);
}

/* One line on standard error; a flood is cut. */
void runtime_log(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* ---- messages to the engine (channel.c) ---- */

/* Fills in the header. False: the engine is gone. Not with the lock held. */
bool channel_send(uint32_t kind, uint64_t operation, void *message, uint32_t size);
bool channel_send_packet(uint64_t operation, const void *bytes, uint32_t size);
bool channel_complete(uint64_t operation, uint32_t action);
/* 0 or an errno; to be closed in any case, when no thread uses it. */
int channel_open(int channel);
void channel_close(void);
/* Until there may be a message. */
void channel_wait(void);
/* With the lock held: posts what has come. False: the engine hung up. */
bool channel_read(void);
/* Without it, once: tells the driver and all who wait for messages. */
void channel_closed(void);

/* ---- operations and what there is to do for them (operation.c) ---- */

/* One thing to do, on a thread of the runtime, with what it is about behind it; it frees itself. */
struct work {
    struct work *next;
    void (*run)(struct operation *operation, struct work *work);
};

static inline void *work_about(struct work *work)
{
    return work + 1;
}

/* NULL: out of memory. */
struct work *work_new(void (*run)(struct operation *operation, struct work *work),
                      const void *about, size_t size);

struct packet;

struct operation {
    struct node node;
    struct work *inbox, **inbox_last;
    struct operation *ready_next;
    bool scheduled;     /* in the list of ready ones, or a thread runs it */
    unsigned awaiters;  /* in FwpsCompleteOperation0: they run what comes */
    unsigned pends;     /* that are not completed */
    bool undecided;     /* it was pended, and the engine has not told how it ended */
    bool refusable;     /* RECV_ACCEPT, completed: without its packet's injection it is refused */
    bool injected;      /* its packet went to the engine */
    uint64_t injection; /* by this handle, */
    HANDLE injection_context;
    struct packet *packet; /* that was shown last; NULL = none */
};

/* All with the lock held. */
struct operation *operation_find(uint64_t number);
/* NULL: out of memory. */
struct operation *operation_get(uint64_t number);
void operation_post(struct operation *operation, struct work *work);
/* The next thing to do, NULL = nothing. */
struct work *operation_take(struct operation *operation);
/* To be called when something about it ended; it may be gone afterwards. */
void operation_settle(struct operation *operation);

/* Without the lock. False: out of memory; the work is the caller's still. */
bool operation_post_event(struct work *work);
void *operation_run(void *nothing);
/* Frees them all, when no thread runs. */
void operation_drop_all(void);

/* ---- callouts (callout.c) ---- */

struct callout {
    struct node node; /* by callout id */
    GUID key;
    uint32_t flags;
    int version; /* of its classify function */
    FWPS_CALLOUT_CLASSIFY_FN0 classify0;
    FWPS_CALLOUT_CLASSIFY_FN3 classify; /* 1 to 3 are called alike */
    FWPS_CALLOUT_NOTIFY_FN3 notify;     /* 0 to 3 likewise */
    FWPS_CALLOUT_FLOW_DELETE_NOTIFY_FN0 flow_delete;
    unsigned running; /* of its functions */
    bool leaving;     /* is being unregistered */
};

/* With the lock held: found, it can't go until callout_leave. Waits for registrations under way. */
struct callout *callout_enter(uint32_t id);
void callout_leave(struct callout *callout);
void callout_notify(struct operation *operation, struct work *work);
/* What the driver forgot to unregister. */
void callout_unregister_all(void);

/* ---- classifies (classify.c, values.c, metadata.c) ---- */

/* A classify while it runs, on its thread. */
struct classify {
    struct classify *outer; /* this thread was in another one's function */
    const struct driver_classify *message;
    struct callout *callout;
    struct packet *packet; /* NULL = none */
    uint64_t number;       /* names it in completionHandle and classifyContext */
    uint64_t pend;         /* 0 = not pended */
    uint64_t handle;       /* 0 = not acquired */
};

extern _Thread_local struct classify *classify_current;

void classify_run(struct operation *operation, struct work *work);
/* Whether this thread is inside a function of the callout. */
bool classify_inside(uint32_t callout_id);

#define VALUES_MAX 64

struct values {
    FWPS_INCOMING_VALUES0 fixed;
    FWPS_INCOMING_VALUE0 fields[VALUES_MAX];
    UINT64 numbers[VALUES_MAX];
    FWP_BYTE_ARRAY16 addresses[2];
    unsigned address_count;
    FWP_BYTE_BLOB app;
    SOCKADDR_STORAGE asked; /* the peer, if it became another one */
    struct {
        SID sid;
        DWORD last;
    } user;
};

/* False: no layer that is known. */
bool values_make(const struct driver_classify *message, struct values *values);
void values_free(struct values *values);
void metadata_make(const struct classify *classify, const struct values *values,
                   FWPS_INCOMING_METADATA_VALUES0 *metadata);

enum layer_role {
    ROLE_OTHER,
    ROLE_ASSIGNMENT,
    ROLE_LISTEN,
    ROLE_ACCEPT,
    ROLE_CONNECT,
    ROLE_ESTABLISHED,
    ROLE_RELEASE,
    ROLE_CLOSURE,
    ROLE_CONNECT_REDIRECT,
    ROLE_BIND_REDIRECT,
};
enum layer_role layer_role(uint16_t layer);

/* ---- pended operations (pend.c) ---- */

/* The classify has answered: its pend can be completed. */
void pend_answered(struct operation *operation, uint64_t pend);
/* With the lock held: the engine has decided, or the callout goes. */
void pend_drop_callout(uint32_t callout_id);
void pend_decided(struct operation *operation, struct work *work);

/* ---- contexts of flows (flow.c) ---- */

struct flow_context;

/* With the lock held: the context of a classify that begins; NULL = none. */
struct flow_context *flow_enter(uint64_t flow, uint16_t layer, uint32_t callout_id);
uint64_t flow_value(const struct flow_context *context);
/* Without it. */
void flow_leave(struct flow_context *context);
void flow_deleted(struct operation *operation, struct work *work);
/* With the lock held. */
bool flow_any(uint32_t callout_id);
/* Of a callout that goes without having removed them; none is in use. */
void flow_forget(uint32_t callout_id);

/* ---- packets (packet.c) ---- */

struct view; /* a NET_BUFFER_LIST: the original or a clone */

struct packet {
    unsigned references; /* all: the operation's, the driver's */
    unsigned holds;      /* the driver's: references and clones */
    bool taken;          /* the driver has held it at some time */
    bool injected;       /* it is the driver's own, coming back, */
    uint64_t injection;  /* by this handle; 0 = unknown */
    HANDLE injection_context;
    uint64_t operation;
    uint32_t ip_header, transport_header; /* sizes; 0 = malformed */
    struct view *original;
    uint32_t size;
    uint8_t bytes[];
};

/* From the message: NULL when it has none (or memory is out). All with the lock held. */
struct packet *packet_new(const struct driver_classify *message);
void packet_release(struct packet *packet);
NET_BUFFER_LIST *packet_list(const struct packet *packet);
/* The packet of what a driver calls a packet; NULL: it is none of ours. */
struct packet *packet_of(const NET_BUFFER_LIST *list, bool *clone);
/* The driver has let go of it: an accept that waits for it may be refused. Without the lock. */
void packet_let_go(uint64_t operation);

/* ---- the service's state (state.c) ---- */

void state_changed(struct operation *operation, struct work *work);

#endif
