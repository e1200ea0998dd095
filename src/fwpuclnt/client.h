/*
 * libfwpuclnt's own: engine handles, calls to the service, memory handed to the caller.
 *
 * A handle has one connection and one lock: calls of several threads take turns. When the
 * connection breaks the handle is dead: every later call answers FWP_E_SESSION_ABORTED (rule 9.10)
 * and FwpmEngineClose0 still frees it.
 */
#ifndef OPENWFP_CLIENT_H
#define OPENWFP_CLIENT_H

#include <pthread.h>
#include <stdbool.h>

#include <openwfp.h>

#include "rpc/convert.h"
#include "rpc/frame.h"

#define CLIENT_REQUEST_MEMORY (32u << 20) /* what encoding one request may take */
#define CLIENT_REPLY_MEMORY   (1u << 30)  /* what decoding one reply may take */

#define EXPORT __attribute__((visibility("default")))

#define ENGINE_MAGIC 0x4f574650u

struct dispatcher;

struct engine {
    uint32_t magic;
    int fd;
    bool dead;
    uint32_t last_id;
    char *path;
    uint8_t token[RPC_TOKEN_SIZE];
    GUID session_key;
    pthread_mutex_t lock; /* of everything here but the dispatcher's own */
    struct frame_reader reader;
    struct frame_writer writer;
    struct arena arena; /* of the request under way, and of replies nobody keeps */
    struct dispatcher *dispatcher;
};

/* NULL: not a handle that is open. */
static inline struct engine *engine_of(HANDLE handle)
{
    struct engine *engine = handle;

    return engine && engine->magic == ENGINE_MAGIC ? engine : NULL;
}

/* ---- errors: each thread's last (error.c) */

void error_clear(void);
DWORD error_set(DWORD code, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The text of code itself when text is empty. */
DWORD error_take(DWORD code, const char *text);

/* ---- sockets (socket.c) */

/* Connects to the service at path; *fd. RPC_S_SERVER_UNAVAILABLE when nobody listens there. */
DWORD socket_connect(const char *path, int *fd);
/* Sends the request and waits for its reply, which lies in converter's arena. On failure the
 * stream is useless: NULL. */
Rpc__Reply *socket_exchange(int fd, struct frame_writer *writer, struct frame_reader *reader,
                            const Rpc__Request *request, struct converter *converter);
/* Its halves, for several requests under way; replies come in the order of the requests. Sending
 * gives 0 or a negative errno: with -EMSGSIZE the request is too big, and the stream goes on. */
int socket_send(int fd, struct frame_writer *writer, const Rpc__Request *request);
Rpc__Reply *socket_receive(int fd, struct frame_reader *reader, uint32_t id,
                           struct converter *converter);

/* ---- memory handed out, freed with FwpmFreeMemory0 (memory.c) */

struct result {
    struct arena arena;
};

struct result *result_new(size_t limit);
void result_free(struct result *result);
/* `size` bytes that FwpmFreeMemory0 takes as the name of the whole result. */
void *result_payload(struct result *result, size_t size);
/* The pointer that FwpmFreeMemory0 takes, for payloads that need nothing else. */
void *memory_new(size_t size);

/* ---- calls (call.c) */

/*
 * One call. Between call_begin and call_end the handle is locked:
 *
 *     if (call_begin(&call, engineHandle)) {
 *         call.request.call_case = …; … = encode_…(&call.converter, …);
 *         if (…)
 *             call_send(&call);
 *     }
 *     return call_end(&call);
 *
 * call.code is what call_end returns; a failed step sets it, and those after it are skipped.
 */
struct call {
    struct engine *engine;
    struct converter converter;
    Rpc__Request request;
    Rpc__Reply *reply;     /* after call_send */
    struct result *result; /* of call_send_keep, until call_keep */
    DWORD code;
    char text[512];
};

bool call_begin(struct call *call, HANDLE engineHandle);
/* True: call.reply has arrived, its code is ERROR_SUCCESS and it has this result (or any, for
 * _NOT_SET). */
bool call_send(struct call *call, Rpc__Reply__ResultCase result);
/* Its halves, for calls with several requests. call_post gives the request an id of its own, and
 * then nothing of the request is needed any more; the reply with that id is there, also when its
 * code is an error, until the arena is reset. */
bool call_post(struct call *call, uint32_t *id);
bool call_receive(struct call *call, uint32_t id, Rpc__Reply__ResultCase result);
/* Like call_send; the reply, and what call.converter makes from now on, lies in memory of its own.
 */
bool call_send_keep(struct call *call, Rpc__Reply__ResultCase result);
/* For several call_sends whose replies the caller keeps. */
bool call_own(struct call *call);
/* What the caller is to get, in that memory; NULL with an error. */
void *call_payload(struct call *call, size_t size);
/* Gives it away: to be freed with FwpmFreeMemory0. */
void *call_keep(struct call *call, void *payload);
/* Gives away an array of pointers that a converter has made in that memory. */
void call_give(struct call *call, void **objects, size_t count, void ***entries, UINT32 *returned);
bool call_failed(struct call *call);
bool call_refuse(struct call *call, DWORD code, const char *text);
DWORD call_end(struct call *call);

/* False (with FWP_E_NULL_POINTER naming it) when the pointer is NULL. */
bool call_needs(struct call *call, const void *pointer, const char *name);

/* ---- what all kinds of objects have in common (object.c) */

/* Between add_begin and add_end the message gets its object. */
struct addition {
    struct call call;
    Rpc__Add message;
};

bool add_begin(struct addition *addition, HANDLE engineHandle, const void *object,
               PSECURITY_DESCRIPTOR sd);
/* encoded: what the message got, NULL when that failed; id may be NULL. */
DWORD add_end(struct addition *addition, const void *encoded, UINT64 *id);

DWORD object_delete_by_key(HANDLE engineHandle, enum model_kind kind, const GUID *key);
DWORD object_delete_by_id(HANDLE engineHandle, enum model_kind kind, UINT64 id);
DWORD object_get_by_key(HANDLE engineHandle, enum model_kind kind, const GUID *key, void **object);
DWORD object_get_by_id(HANDLE engineHandle, enum model_kind kind, UINT64 id, void **object);
DWORD object_enum_create(HANDLE engineHandle, enum model_kind kind, const void *template_,
                         HANDLE *enumHandle);
DWORD object_enum(HANDLE engineHandle, enum model_kind kind, HANDLE enumHandle, UINT32 wanted,
                  void ***entries, UINT32 *returned);
DWORD object_enum_destroy(HANDLE engineHandle, HANDLE enumHandle);

/* ---- security (security.c) */

struct security_parts {
    PSID *owner, *group;
    PACL *dacl, *sacl;
    PSECURITY_DESCRIPTOR *descriptor;
};

DWORD security_get(HANDLE engineHandle, enum model_kind kind, const GUID *key,
                   SECURITY_INFORMATION information, const struct security_parts *parts);
DWORD security_set(HANDLE engineHandle, enum model_kind kind, const GUID *key,
                   SECURITY_INFORMATION information, const SID *owner, const SID *group,
                   const ACL *dacl, const ACL *sacl);

/* ---- subscriptions (subscribe.c, dispatch.c) */

struct delivery_handler {
    /* Called on the dispatcher's thread with the pieces of one delivery. */
    void (*change)(void *callback, void *context, enum model_kind kind, const Rpc__Change *change);
    void (*event)(void *callback, void *context, const OPENWFP_NET_EVENT *event);
    void (*held)(void *callback, void *context, const OPENWFP_HELD_NOTICE *notice);
    void *callback, *context;
};

DWORD subscribe(HANDLE engineHandle, enum model_kind kind, const void *template_, UINT32 flags,
                bool extended, const struct delivery_handler *handler, HANDLE *handle);
/* Waits for a running callback to end, except when it is called from one. */
DWORD unsubscribe(HANDLE engineHandle, HANDLE handle);
/* This handle's own subscriptions: the FWPM_*_SUBSCRIPTION0 of all kinds are laid out alike. */
DWORD subscriptions_get(HANDLE engineHandle, enum model_kind kind, void ***entries,
                        UINT32 *numEntries);
/* The object that a change is about; false: malformed. */
bool change_key(const Rpc__Change *change, GUID *key);
/* Ends all subscriptions, and the thread. */
void dispatcher_stop(struct engine *engine);

#endif
