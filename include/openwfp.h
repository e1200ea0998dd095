/*
 * openwfp.h: what the filtering platform on Linux has beyond Microsoft's fwpmu.h.
 *
 * Functions return ERROR_SUCCESS, an FWP_E_* or an ERROR_* code like those of fwpmu.h, and what
 * they hand out is freed with FwpmFreeMemory0. Strings here are UTF-8, paths are Linux paths.
 * Link with -lfwpuclnt.
 */
#ifndef OPENWFP_H
#define OPENWFP_H

#include <fwpmu.h>
#include <openwfp_guids.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * A sentence about the last call of this thread that failed: which object is meant, what is wrong
 * with it, what to do. "" after a call that succeeded. Valid until the thread's next call into
 * the library.
 */
const char *OpenWfpLastErrorText(void);

/*
 * Where the service listens: FwpmEngineOpen0 takes its serverName as a path; when that is NULL the
 * environment variable OPENWFP_SOCKET counts, and then this path.
 */
#define OPENWFP_SOCKET_PATH "/run/openwfp/bfe.sock"

/* ---- net events ---- */

/* A net event with what Linux knows beyond Windows. Its owner is whoever opened the socket. */
typedef struct OPENWFP_NET_EVENT_ {
    FWPM_NET_EVENT5 event;
    UINT64 eventId;          /* for OpenWfpExplain */
    UINT64 flowId;           /* the socket's cookie */
    UINT64 cgroupId;         /* cgroup v2 */
    UINT64 processStartTime; /* ns since boot: with processId it names a process uniquely */
    UINT32 processId;
    UINT32 uid;
    UINT32 gid;
    UINT32 netns; /* inode number of the network namespace */
    UINT32 interfaceIndex;
    UINT32 calloutId;      /* of the callout that decided; 0 = none */
    UINT32 conditionFlags; /* FWP_CONDITION_FLAG_* as classified */
    UINT64 lost; /* events missed just before this one because they were read too slowly */
    char comm[16];
} OPENWFP_NET_EVENT;

typedef void(CALLBACK *OPENWFP_NET_EVENT_CALLBACK)(void *context, const OPENWFP_NET_EVENT *event);

/*
 * Like FwpmNetEventSubscribe4, with OPENWFP_NET_EVENTs. Also delivers the life of flows as events
 * of type FWPM_NET_EVENT_TYPE_CLASSIFY_ALLOW at FLOW_ESTABLISHED, ENDPOINT_CLOSURE and
 * RESOURCE_RELEASE layers, when OpenWfpCollect asked for them. The event is valid during the
 * callback; event NULL: the service is gone, there will be no more. End it with
 * FwpmNetEventUnsubscribe0.
 */
DWORD WINAPI OpenWfpNetEventSubscribe(HANDLE engineHandle,
                                      const FWPM_NET_EVENT_SUBSCRIPTION0 *subscription,
                                      OPENWFP_NET_EVENT_CALLBACK callback, void *context,
                                      HANDLE *eventsHandle);

/* Like FwpmNetEventEnum5, with OPENWFP_NET_EVENTs. */
DWORD WINAPI OpenWfpNetEventEnum(HANDLE engineHandle, HANDLE enumHandle, UINT32 numEntriesRequested,
                                 OPENWFP_NET_EVENT ***entries, UINT32 *numEntriesReturned);

#define OPENWFP_COLLECT_DROPS      0x1u /* blocked operations */
#define OPENWFP_COLLECT_ALLOWS     0x2u /* permitted operations */
#define OPENWFP_COLLECT_LIFECYCLES 0x4u /* flows established and closed, ports released */
/* With ALLOWS: permits also at layers where the policy has no filters; costs every operation. */
#define OPENWFP_COLLECT_ALL        0x8u

/*
 * Which events the engine makes for as long as this session is open, or until it asks for others.
 * The engine collects what any session asks for, in addition to its options
 * FWPM_ENGINE_COLLECT_NET_EVENTS and FWPM_ENGINE_NET_EVENT_MATCH_ANY_KEYWORDS. Needs
 * FWPM_ACTRL_SUBSCRIBE on the net events.
 */
DWORD WINAPI OpenWfpCollect(HANDLE engineHandle, UINT32 mask);

/* ---- explain ---- */

/* One field of a classify, in the type that the layer gives it (FWPM_FIELD0.dataType). */
typedef struct OPENWFP_FIELD_VALUE_ {
    GUID fieldKey; /* FWPM_CONDITION_* */
    FWP_VALUE0 value;
} OPENWFP_FIELD_VALUE;

typedef struct OPENWFP_EXPLAIN_REQUEST_ {
    UINT64 eventId; /* not 0: explain this net event, and ignore the other members */
    UINT16 layerId; /* FWPS_LAYER_* */
    UINT32 numFields;
    OPENWFP_FIELD_VALUE *fields; /* those left out are FWP_EMPTY */
    BOOL hasUser;                /* gives ALE_USER_ID: */
    UINT32 uid;
    UINT32 gid;
    UINT32 numGroups;
    UINT32 *groups;
} OPENWFP_EXPLAIN_REQUEST;

typedef enum OPENWFP_OUTCOME_ {
    OPENWFP_OUTCOME_STOOD = 0,       /* this filter's action is the answer */
    OPENWFP_OUTCOME_OUTVOTED = 1,    /* its sublayer's answer, but outvotedBy's stood */
    OPENWFP_OUTCOME_CONTINUED = 2,   /* a callout that left the decision to lighter filters */
    OPENWFP_OUTCOME_NOT_REACHED = 3, /* matches, but outvotedBy had decided its sublayer */
    OPENWFP_OUTCOME_VETOED = 4,      /* a callout's block against a hard permit: it stands */
    OPENWFP_OUTCOME_HELD = 5         /* it would be held; told as if nobody answered */
} OPENWFP_OUTCOME;

/* One matching filter. */
typedef struct OPENWFP_EXPLAIN_STEP_ {
    UINT64 filterId;
    WCHAR *filterName;
    GUID subLayerKey;
    WCHAR *subLayerName;
    UINT16 subLayerWeight;
    UINT64 weight;
    FWP_ACTION_TYPE action; /* the filter's */
    UINT32 calloutId;
    OPENWFP_OUTCOME outcome;
    UINT64 outvotedBy; /* filter id; 0 = nobody */
    BOOL hard;         /* the decision can't be overridden by lighter sublayers */
} OPENWFP_EXPLAIN_STEP;

typedef struct OPENWFP_EXPLANATION_ {
    FWP_ACTION_TYPE action; /* FWP_ACTION_PERMIT or FWP_ACTION_BLOCK */
    UINT64 filterId;        /* whose action stood; 0 = no filter matched: permit */
    UINT16 layerId;
    UINT32 numSteps;
    OPENWFP_EXPLAIN_STEP *steps; /* in the order in which they were asked */
    char *text;
} OPENWFP_EXPLANATION;

/*
 * Asks the enforcing lookup what it would answer now, by which filters, and who outvoted whom.
 * A past net event is explained with the policy of now. FWP_E_NOT_FOUND: the event is too old.
 */
DWORD WINAPI OpenWfpExplain(HANDLE engineHandle, const OPENWFP_EXPLAIN_REQUEST *request,
                            OPENWFP_EXPLANATION **explanation);

/* ---- callouts in the kernel ---- */

typedef struct OPENWFP_LOADED_CALLOUT_ {
    GUID calloutKey;
    char *name; /* of the object file */
    UINT32 calloutId;
    UINT32 slot;
    UINT32 objectSize;
    FILETIME loadTime;
} OPENWFP_LOADED_CALLOUT;

/*
 * Loads a BPF object file as the code of the callout with that key, like FwpsCalloutRegister in a
 * driver. The file is read with the caller's rights. Code that is already there is replaced
 * without a gap. The callout object (FwpmCalloutAdd0) may be added before or after. Needs
 * FWPM_ACTRL_ADD on the callouts, and to be a member of Administrators (root, CAP_NET_ADMIN).
 * *calloutId, which may be NULL, takes the callout's run-time id, as FwpmCalloutAdd0 gives it.
 */
DWORD WINAPI OpenWfpCalloutLoad(HANDLE engineHandle, const GUID *calloutKey, const char *path,
                                UINT32 *calloutId);

/* Filters that name the callout then act as without code (rule: block, unless they have
 * FWPM_FILTER_FLAG_PERMIT_IF_CALLOUT_UNREGISTERED). */
DWORD WINAPI OpenWfpCalloutUnload(HANDLE engineHandle, const GUID *calloutKey);

/* The callouts whose code is loaded; *entries is freed as a whole with FwpmFreeMemory0. */
DWORD WINAPI OpenWfpCalloutList(HANDLE engineHandle, OPENWFP_LOADED_CALLOUT ***entries,
                                UINT32 *numEntries);

/* ---- hold ---- */

/*
 * Callouts that are always there: OPENWFP_CALLOUT_HOLD_CONNECT_V4, _ACCEPT_, _LISTEN_, _BIND_, _V6.
 * What matches a filter with the action FWP_ACTION_CALLOUT_TERMINATING that names the one of its
 * layer is held until an administrator answers, or the filter's time is over. The filter's
 * rawContext says how long that is and what happens then: OPENWFP_HOLD_CONTEXT; 0 stands for 30
 * seconds and block. With FWPM_FILTER_FLAG_PERMIT_IF_CALLOUT_UNREGISTERED what can't be asked
 * about, because the service isn't there, is permitted, else blocked.
 */
#define OPENWFP_HOLD_TIMEOUT     30000u  /* ms */
#define OPENWFP_HOLD_TIMEOUT_MAX 600000u /* longer ones are cut to it */

/* Bits 0 to 31: the time in ms, 0 = OPENWFP_HOLD_TIMEOUT; bit 32: permit then; others: 0. */
#define OPENWFP_HOLD_CONTEXT(timeoutMs, defaultAction)                                             \
    ((UINT64)(UINT32)(timeoutMs) | (UINT64)((defaultAction) == FWP_ACTION_PERMIT) << 32)
#define OPENWFP_HOLD_CONTEXT_TIMEOUT(context)                                                      \
    ((UINT32)(context) == 0                         ? OPENWFP_HOLD_TIMEOUT                         \
     : (UINT32)(context) > OPENWFP_HOLD_TIMEOUT_MAX ? OPENWFP_HOLD_TIMEOUT_MAX                     \
                                                    : (UINT32)(context))
#define OPENWFP_HOLD_CONTEXT_ACTION(context)                                                       \
    (((UINT64)(context) >> 32 & 1) != 0 ? FWP_ACTION_PERMIT : FWP_ACTION_BLOCK)

/*
 * A question: operations that are held and alike, that is, of one program and user, to one peer (at
 * listen and bind: of one local address), by one filter. The process is that of the first of them.
 */
typedef struct OPENWFP_HELD_ {
    UINT64 id;      /* never given twice while the service runs */
    UINT32 count;   /* of operations */
    UINT16 layerId; /* FWPS_LAYER_* */
    FWP_DIRECTION direction;
    FWP_IP_VERSION ipVersion;
    UINT8 ipProtocol;
    union {
        UINT32 localAddrV4;
        FWP_BYTE_ARRAY16 localAddrV6;
    };
    union {
        UINT32 remoteAddrV4;
        FWP_BYTE_ARRAY16 remoteAddrV6;
    };
    UINT16 localPort;
    UINT16 remotePort;
    FWP_BYTE_BLOB appId; /* no bytes: the program is unknown */
    UINT32 processId;
    UINT64 processStartTime; /* ns since boot: with processId it names a process uniquely */
    char comm[16];
    UINT32 uid;
    UINT32 gid;
    UINT32 netns;
    UINT64 cgroupId;
    UINT32 conditionFlags; /* FWP_CONDITION_FLAG_* */
    UINT64 filterId;
    UINT32 timeout;                /* ms, of each operation */
    UINT32 remaining;              /* ms, of the oldest one, when this was sent */
    FWP_ACTION_TYPE defaultAction; /* what happens then: FWP_ACTION_PERMIT or FWP_ACTION_BLOCK */
} OPENWFP_HELD;

typedef enum OPENWFP_HELD_CHANGE_ {
    OPENWFP_HELD_ASKED = 0,    /* a question, or one whose operations have become more or fewer */
    OPENWFP_HELD_ANSWERED = 1, /* by action, of processId answeredBy */
    OPENWFP_HELD_EXPIRED = 2,  /* nobody answered in time: action was done */
    OPENWFP_HELD_GONE = 3      /* nothing waits any more: the program, or the filter, is gone */
} OPENWFP_HELD_CHANGE;

typedef struct OPENWFP_HELD_NOTICE_ {
    OPENWFP_HELD held;
    OPENWFP_HELD_CHANGE change;
    FWP_ACTION_TYPE action; /* ANSWERED, EXPIRED */
    UINT32 answeredBy;
    UINT64 lost; /* notices missed before this one, which was read too slowly: enumerate again */
} OPENWFP_HELD_NOTICE;

typedef void(CALLBACK *OPENWFP_HELD_CALLBACK)(void *context, const OPENWFP_HELD_NOTICE *notice);

/*
 * Tells of questions: of those that wait already, of each new one, and how each ended. Any number
 * of sessions may ask to be told. Runs on a thread of the library's like all callbacks; the notice
 * is valid during the callback; NULL: the service is gone, there will be no more. A service that
 * comes back asks anew about what it finds held, under new ids.
 *
 * This and what follows is for administrators (root, members of the service's group), whatever the
 * security descriptors say: else ERROR_ACCESS_DENIED.
 */
DWORD WINAPI OpenWfpHeldSubscribe0(HANDLE engineHandle, OPENWFP_HELD_CALLBACK callback,
                                   void *context, HANDLE *subscriptionHandle);
/* When it returns the callback is not running and not called again; called from the callback it
 * only ends the subscription. FWP_E_NOT_FOUND: there is no such subscription of this handle. */
DWORD WINAPI OpenWfpHeldUnsubscribe0(HANDLE engineHandle, HANDLE subscriptionHandle);

/* The questions that wait, the oldest first. */
DWORD WINAPI OpenWfpHeldEnum0(HANDLE engineHandle, OPENWFP_HELD ***entries, UINT32 *numEntries);

/*
 * Answers all operations of a question: FWP_ACTION_PERMIT or FWP_ACTION_BLOCK. The first answer
 * counts; FWP_E_NOT_FOUND: there is no such question, or it has its answer already.
 */
DWORD WINAPI OpenWfpHeldAnswer0(HANDLE engineHandle, UINT64 id, FWP_ACTION_TYPE action);

typedef struct OPENWFP_HOLD_ {
    BOOL active;            /* a filter in force asks user space */
    BOOL outbound, inbound; /* packets of connects, of accepts, are kept until they are decided */
    UINT32 networks;        /* network namespaces with rules that bring these packets */
    UINT64 held;            /* operations that wait now, */
    UINT64 packets, bytes;  /* with this many packets */
    UINT64 asked;           /* since something was last held first: classifies in user space, */
    UINT64 permitted, blocked;
    UINT64 timedOut;                                  /* nobody answered in time; */
    UINT64 refused;                                   /* there was no room to wait; */
    UINT64 ignored;                                   /* messages of hosts that made no sense */
    UINT64 maxPackets, maxPacketsOfProgram, maxBytes; /* that may wait */
    UINT32 classifyTime;                              /* ms that a callout has for its answer */
} OPENWFP_HOLD;

/* How what is held in user space is doing: by drivers' callouts and by hold filters. Needs
 * FWPM_ACTRL_READ on the engine. */
DWORD WINAPI OpenWfpHoldGet(HANDLE engineHandle, OPENWFP_HOLD *hold);

/* ---- callout drivers ---- */

typedef enum OPENWFP_DRIVER_STATE_ {
    OPENWFP_DRIVER_STARTING, /* DriverEntry runs */
    OPENWFP_DRIVER_RUNNING,
    OPENWFP_DRIVER_UNLOADING, /* DriverUnload runs */
    OPENWFP_DRIVER_FAILED     /* there is no process; its callouts are not registered */
} OPENWFP_DRIVER_STATE;

typedef struct OPENWFP_DRIVER_ {
    char *name;
    char *path;
    char *reason; /* why it failed, "" if it did not */
    OPENWFP_DRIVER_STATE state;
    UINT32 processId;   /* of its host, 0 = none */
    UINT32 numCallouts; /* that it has registered */
    UINT32 restarts;    /* after crashes, since it was loaded */
    FILETIME since;     /* it is in this state */
} OPENWFP_DRIVER;

/*
 * Loads a shared object with a DriverEntry (fwpsk.h) into a host process of its own, and returns
 * when DriverEntry has: what that failed with is the result, its NTSTATUS and the last line that it
 * printed are in OpenWfpLastErrorText. The file must belong to root and be writable by nobody else;
 * the service opens it. The driver is started again whenever the service starts, until it is
 * unloaded. When it crashes its callouts are unregistered; it is started once more if it had run
 * for more than ten seconds and that has not happened within the hour, else it stays failed until
 * it is loaded again.
 * Only for members of Administrators with FWPM_ACTRL_ADD on the callouts, and not inside a
 * transaction (FWP_E_TXN_IN_PROGRESS). FWP_E_ALREADY_EXISTS: a driver of that name runs.
 */
DWORD WINAPI OpenWfpDriverLoad(HANDLE engineHandle, const char *name, const char *path);

/* Returns when DriverUnload has and the process has ended, by force after ten seconds.
 * FWP_E_NOT_FOUND. */
DWORD WINAPI OpenWfpDriverUnload(HANDLE engineHandle, const char *name);

/* Drivers that run, and those that failed with the reason; *entries is freed as a whole with
 * FwpmFreeMemory0. */
DWORD WINAPI OpenWfpDriverList(HANDLE engineHandle, OPENWFP_DRIVER ***entries, UINT32 *numEntries);

/* ---- the engine ---- */

typedef struct OPENWFP_HOOK_REPORT_ {
    char *name;
    char *serves; /* which layers and sockets */
    BOOL required;
    BOOL works;
    UINT32 error; /* errno when it does not work */
    char *reason;
} OPENWFP_HOOK_REPORT;

typedef struct OPENWFP_ENGINE_REPORT_ {
    char *version;
    char *kernel;
    char *scope; /* "machine", "cgroup /sys/fs/cgroup/x", "netns 4026531840" */
    char *pinDir;
    char *summary;  /* one line */
    BOOL enforcing; /* FALSE: the service runs without kernel programs */
    BOOL usable;    /* every required hook works */
    BOOL adopted;   /* took over what an earlier service had pinned */
    UINT32 numHooks;
    OPENWFP_HOOK_REPORT *hooks;
    UINT32 numGaps;
    char **gaps; /* what no hook of this kernel reaches */
    UINT64 filters;
    UINT64 subLayers;
    UINT64 callouts;
    UINT64 sessions;
    UINT64 events;
    UINT64 eventsLost;
    UINT64 commits;
    FILETIME startTime;
    char *standIn; /* what is enforced in the policy's place, while that is not known; "" */
} OPENWFP_ENGINE_REPORT;

/* What the service has to work with, hook by hook, and how it is doing. */
DWORD WINAPI OpenWfpEngineReport(HANDLE engineHandle, OPENWFP_ENGINE_REPORT **report);

/* ---- the classifier ---- */

/*
 * One layer's filters as lookups find them. A filter with alternatives, as a list of ports, has
 * several records; decision trees over the fields lead to the few that a lookup compares.
 */
typedef struct OPENWFP_CLASSIFIER_LAYER_ {
    UINT16 layerId; /* FWPS_LAYER_* */
    UINT32 filters; /* in force */
    UINT32 overlay; /* of them, added by changes and not part of the layer's main trees yet */
    UINT32 trees;   /* that a lookup asks, with those of the overlay */
    /* Of the main trees, without the overlay: */
    UINT32 records;
    UINT32 depth;   /* nodes that a lookup passes at most, in all trees together */
    UINT32 longest; /* records that a lookup compares at most, until the first that matches */
    UINT32 worst;   /* steps of a lookup at most: nodes, records and their tests */
    UINT64 recordBytes;
    UINT64 treeBytes;
} OPENWFP_CLASSIFIER_LAYER;

typedef enum OPENWFP_REBUILD_ {
    OPENWFP_REBUILD_NONE = 0,    /* nothing to do */
    OPENWFP_REBUILD_PENDING = 1, /* changes have piled up, but it could not begin */
    OPENWFP_REBUILD_RUNNING = 2
} OPENWFP_REBUILD;

/*
 * The compiled policy. Small commits change it in place, with what they add in its reserve; large
 * ones make a new image of all filters, and so does, in the background, a rebuild after many small
 * ones.
 */
typedef struct OPENWFP_CLASSIFIER_ {
    UINT64 generation; /* the version in force of this image, from 1 on; 0: there is no image yet */
    UINT64 size;       /* bytes of the image, with the reserve as far as it is there */
    UINT64 reserve;    /* bytes for changes */
    UINT64 reserveUsed;
    UINT64 buildTime;    /* ns that the image's trees took to build */
    UINT64 imageChanges; /* commits that changed this image in place */
    UINT32 overlay;      /* filters added by them */
    UINT32 deleted;      /* filters that are gone, but still lie in the image */
    OPENWFP_REBUILD rebuild;
    UINT64 rebuildTime; /* ns since it began, or should have; NONE: what the last one took */
    /* Since the service began: */
    UINT64 changes;  /* commits in place */
    UINT64 images;   /* commits of a whole new image */
    UINT64 rebuilds; /* images made anew in the background */
    UINT32 numLayers;
    OPENWFP_CLASSIFIER_LAYER *layers; /* those with filters, by id */
} OPENWFP_CLASSIFIER;

/* How large the compiled policy is, what a lookup costs at most, and what is done about it. */
DWORD WINAPI OpenWfpClassifierGet(HANDLE engineHandle, OPENWFP_CLASSIFIER **classifier);

/* ---- flows ---- */

typedef struct OPENWFP_FLOW_ {
    UINT64 flowId;
    UINT16 layerId; /* that authorised it */
    FWP_DIRECTION direction;
    FWP_IP_VERSION ipVersion;
    UINT8 ipProtocol;
    union {
        UINT32 localAddrV4;
        FWP_BYTE_ARRAY16 localAddrV6;
    };
    union {
        UINT32 remoteAddrV4;
        FWP_BYTE_ARRAY16 remoteAddrV6;
    };
    UINT16 localPort;
    UINT16 remotePort;
    FWP_BYTE_BLOB appId;
    UINT32 processId;
    UINT32 uid;
    UINT64 filterId;
    FILETIME startTime;
    UINT32 netns;
    UINT64 cgroupId;
} OPENWFP_FLOW;

/* Live flows with ids above `after`, ascending; fewer than wanted = the end. */
DWORD WINAPI OpenWfpFlowEnum(HANDLE engineHandle, UINT64 after, UINT32 numEntriesRequested,
                             OPENWFP_FLOW ***entries, UINT32 *numEntriesReturned);

/* ---- many filters ---- */

/*
 * FwpmFilterAdd0 for each of an array, without a round trip for each. Only in a transaction
 * (FWP_E_NO_TXN_IN_PROGRESS). Stops at the first that fails: *added (may be NULL) says how many are
 * in, which is also the index of the one that failed. ids (may be NULL) takes their ids.
 */
DWORD WINAPI OpenWfpFilterAddMany(HANDLE engineHandle, const FWPM_FILTER0 *filters,
                                  UINT32 numFilters, UINT64 *ids, UINT32 *added);

/* The same for FwpmFilterDeleteById0; *deleted (may be NULL) says how many are out. */
DWORD WINAPI OpenWfpFilterDeleteMany(HANDLE engineHandle, const UINT64 *ids, UINT32 numFilters,
                                     UINT32 *deleted);

#ifdef __cplusplus
}
#endif

#endif
