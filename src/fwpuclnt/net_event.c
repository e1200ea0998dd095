/* Net events, and their older versions. */
#include <string.h>

#include "client.h"

/*
 * Older versions have shorter headers, which are beginnings of the newest, and shorter structures
 * behind their pointers, likewise. Version 1's header is version 0's with reserved members.
 */
static const size_t header_sizes[] = {
    sizeof(FWPM_NET_EVENT_HEADER0), sizeof(FWPM_NET_EVENT_HEADER0), sizeof(FWPM_NET_EVENT_HEADER2),
    sizeof(FWPM_NET_EVENT_HEADER3), sizeof(FWPM_NET_EVENT_HEADER3), sizeof(FWPM_NET_EVENT_HEADER3),
};

#define SAME_BEGINNING(older, newer, member)                                                       \
    _Static_assert(offsetof(older, member) == offsetof(newer, member), #older " is a beginning")

SAME_BEGINNING(FWPM_NET_EVENT_HEADER0, FWPM_NET_EVENT_HEADER3, userId);
SAME_BEGINNING(FWPM_NET_EVENT_HEADER1, FWPM_NET_EVENT_HEADER3, userId);
SAME_BEGINNING(FWPM_NET_EVENT_HEADER2, FWPM_NET_EVENT_HEADER3, packageSid);
SAME_BEGINNING(FWPM_NET_EVENT_CLASSIFY_DROP0, FWPM_NET_EVENT_CLASSIFY_DROP2, layerId);
SAME_BEGINNING(FWPM_NET_EVENT_CLASSIFY_DROP1, FWPM_NET_EVENT_CLASSIFY_DROP2, isLoopback);

union any_event {
    FWPM_NET_EVENT0 v0;
    FWPM_NET_EVENT1 v1;
    FWPM_NET_EVENT2 v2;
    FWPM_NET_EVENT3 v3;
    FWPM_NET_EVENT4 v4;
    FWPM_NET_EVENT5 v5;
};

/* Versions 0 and 1 know no CLASSIFY_ALLOW. */
static bool has_version(const FWPM_NET_EVENT5 *event, int version)
{
    return version >= 2 || event->type == FWPM_NET_EVENT_TYPE_CLASSIFY_DROP;
}

static void set_arm(union any_event *into, int version, const FWPM_NET_EVENT5 *event)
{
    void *arm = event->classifyDrop;

    switch (version) {
    case 0:
        into->v0.type = event->type;
        into->v0.classifyDrop = arm;
        break;
    case 1:
        into->v1.type = event->type;
        into->v1.classifyDrop = arm;
        break;
    case 2:
        into->v2.type = event->type;
        into->v2.classifyDrop = arm;
        break;
    default: /* 3, 4 and 5 are laid out alike */
        into->v5.type = event->type;
        into->v5.classifyDrop = arm;
        break;
    }
}

static void to_version(union any_event *into, int version, const FWPM_NET_EVENT5 *event)
{
    memset(into, 0, sizeof(*into));
    memcpy(into, &event->header, header_sizes[version]);
    set_arm(into, version, event);
}

/* ---- enumerate */

EXPORT DWORD WINAPI FwpmNetEventCreateEnumHandle0(HANDLE engineHandle,
                                                  const FWPM_NET_EVENT_ENUM_TEMPLATE0 *enumTemplate,
                                                  HANDLE *enumHandle)
{
    return object_enum_create(engineHandle, MODEL_NET_EVENT, enumTemplate, enumHandle);
}

EXPORT DWORD WINAPI FwpmNetEventDestroyEnumHandle0(HANDLE engineHandle, HANDLE enumHandle)
{
    return object_enum_destroy(engineHandle, enumHandle);
}

EXPORT DWORD WINAPI OpenWfpNetEventEnum(HANDLE engineHandle, HANDLE enumHandle,
                                        UINT32 numEntriesRequested, OPENWFP_NET_EVENT ***entries,
                                        UINT32 *numEntriesReturned)
{
    return object_enum(engineHandle, MODEL_NET_EVENT, enumHandle, numEntriesRequested,
                       (void ***)entries, numEntriesReturned);
}

/*
 * Turns the OPENWFP_NET_EVENTs of an enumeration into events of a version where they are: none is
 * bigger than what it is made from. Returns how many are left.
 */
static UINT32 convert_in_place(OPENWFP_NET_EVENT **events, UINT32 count, int version)
{
    UINT32 kept = 0;

    for (UINT32 i = 0; i < count; i++) {
        const FWPM_NET_EVENT5 event = events[i]->event;

        if (!has_version(&event, version))
            continue;
        to_version((union any_event *)events[i], version, &event);
        events[kept++] = events[i];
    }
    return kept;
}

_Static_assert(sizeof(union any_event) <= sizeof(OPENWFP_NET_EVENT), "conversion in place");

/* Events that the version doesn't know are left out; fewer than wanted means the end only when
 * there are none left at all, so ask again until some have come. */
static DWORD enum_version(HANDLE engineHandle, HANDLE enumHandle, UINT32 wanted, void ***entries,
                          UINT32 *returned, int version)
{
    UINT32 raw;
    DWORD code;

    do {
        code = OpenWfpNetEventEnum(engineHandle, enumHandle, wanted, (OPENWFP_NET_EVENT ***)entries,
                                   returned);
        if (code)
            return code;
        raw = *returned;
        *returned = convert_in_place((OPENWFP_NET_EVENT **)*entries, raw, version);
        if (!*returned && raw == wanted && wanted)
            FwpmFreeMemory0((void **)entries);
    } while (!*returned && raw == wanted && wanted);
    return code;
}

EXPORT DWORD WINAPI FwpmNetEventEnum0(HANDLE engineHandle, HANDLE enumHandle,
                                      UINT32 numEntriesRequested, FWPM_NET_EVENT0 ***entries,
                                      UINT32 *numEntriesReturned)
{
    return enum_version(engineHandle, enumHandle, numEntriesRequested, (void ***)entries,
                        numEntriesReturned, 0);
}

EXPORT DWORD WINAPI FwpmNetEventEnum1(HANDLE engineHandle, HANDLE enumHandle,
                                      UINT32 numEntriesRequested, FWPM_NET_EVENT1 ***entries,
                                      UINT32 *numEntriesReturned)
{
    return enum_version(engineHandle, enumHandle, numEntriesRequested, (void ***)entries,
                        numEntriesReturned, 1);
}

EXPORT DWORD WINAPI FwpmNetEventEnum2(HANDLE engineHandle, HANDLE enumHandle,
                                      UINT32 numEntriesRequested, FWPM_NET_EVENT2 ***entries,
                                      UINT32 *numEntriesReturned)
{
    return enum_version(engineHandle, enumHandle, numEntriesRequested, (void ***)entries,
                        numEntriesReturned, 2);
}

EXPORT DWORD WINAPI FwpmNetEventEnum3(HANDLE engineHandle, HANDLE enumHandle,
                                      UINT32 numEntriesRequested, FWPM_NET_EVENT3 ***entries,
                                      UINT32 *numEntriesReturned)
{
    return enum_version(engineHandle, enumHandle, numEntriesRequested, (void ***)entries,
                        numEntriesReturned, 3);
}

EXPORT DWORD WINAPI FwpmNetEventEnum4(HANDLE engineHandle, HANDLE enumHandle,
                                      UINT32 numEntriesRequested, FWPM_NET_EVENT4 ***entries,
                                      UINT32 *numEntriesReturned)
{
    return enum_version(engineHandle, enumHandle, numEntriesRequested, (void ***)entries,
                        numEntriesReturned, 4);
}

EXPORT DWORD WINAPI FwpmNetEventEnum5(HANDLE engineHandle, HANDLE enumHandle,
                                      UINT32 numEntriesRequested, FWPM_NET_EVENT5 ***entries,
                                      UINT32 *numEntriesReturned)
{
    return enum_version(engineHandle, enumHandle, numEntriesRequested, (void ***)entries,
                        numEntriesReturned, 5);
}

/* ---- subscribe */

static DWORD subscribe_events(HANDLE engineHandle, const FWPM_NET_EVENT_SUBSCRIPTION0 *subscription,
                              const struct delivery_handler *handler, bool extended,
                              HANDLE *eventsHandle)
{
    if (!subscription)
        return error_set(FWP_E_NULL_POINTER, "subscription is a null pointer");
    return subscribe(engineHandle, MODEL_NET_EVENT, subscription->enumTemplate, subscription->flags,
                     extended, handler, eventsHandle);
}

static void on_extended(void *callback, void *context, const OPENWFP_NET_EVENT *event)
{
    ((OPENWFP_NET_EVENT_CALLBACK)callback)(context, event);
}

EXPORT DWORD WINAPI OpenWfpNetEventSubscribe(HANDLE engineHandle,
                                             const FWPM_NET_EVENT_SUBSCRIPTION0 *subscription,
                                             OPENWFP_NET_EVENT_CALLBACK callback, void *context,
                                             HANDLE *eventsHandle)
{
    const struct delivery_handler handler = {
        .event = on_extended, .callback = (void *)callback, .context = context};

    return subscribe_events(engineHandle, subscription, &handler, true, eventsHandle);
}

static void on_event1(void *callback, void *context, const OPENWFP_NET_EVENT *event)
{
    union any_event told;

    if (!event || !has_version(&event->event, 1))
        return;
    to_version(&told, 1, &event->event);
    ((FWPM_NET_EVENT_CALLBACK0)callback)(context, &told.v1);
}

EXPORT DWORD WINAPI FwpmNetEventSubscribe0(HANDLE engineHandle,
                                           const FWPM_NET_EVENT_SUBSCRIPTION0 *subscription,
                                           FWPM_NET_EVENT_CALLBACK0 callback, void *context,
                                           HANDLE *eventsHandle)
{
    const struct delivery_handler handler = {
        .event = on_event1, .callback = (void *)callback, .context = context};

    return subscribe_events(engineHandle, subscription, &handler, false, eventsHandle);
}

static void on_event2(void *callback, void *context, const OPENWFP_NET_EVENT *event)
{
    union any_event told;

    if (!event || !has_version(&event->event, 2))
        return;
    to_version(&told, 2, &event->event);
    ((FWPM_NET_EVENT_CALLBACK1)callback)(context, &told.v2);
}

EXPORT DWORD WINAPI FwpmNetEventSubscribe1(HANDLE engineHandle,
                                           const FWPM_NET_EVENT_SUBSCRIPTION0 *subscription,
                                           FWPM_NET_EVENT_CALLBACK1 callback, void *context,
                                           HANDLE *eventsHandle)
{
    const struct delivery_handler handler = {
        .event = on_event2, .callback = (void *)callback, .context = context};

    return subscribe_events(engineHandle, subscription, &handler, false, eventsHandle);
}

static void on_event3(void *callback, void *context, const OPENWFP_NET_EVENT *event)
{
    union any_event told;

    if (!event || !has_version(&event->event, 3))
        return;
    to_version(&told, 3, &event->event);
    ((FWPM_NET_EVENT_CALLBACK2)callback)(context, &told.v3);
}

EXPORT DWORD WINAPI FwpmNetEventSubscribe2(HANDLE engineHandle,
                                           const FWPM_NET_EVENT_SUBSCRIPTION0 *subscription,
                                           FWPM_NET_EVENT_CALLBACK2 callback, void *context,
                                           HANDLE *eventsHandle)
{
    const struct delivery_handler handler = {
        .event = on_event3, .callback = (void *)callback, .context = context};

    return subscribe_events(engineHandle, subscription, &handler, false, eventsHandle);
}

static void on_event4(void *callback, void *context, const OPENWFP_NET_EVENT *event)
{
    union any_event told;

    if (!event || !has_version(&event->event, 4))
        return;
    to_version(&told, 4, &event->event);
    ((FWPM_NET_EVENT_CALLBACK3)callback)(context, &told.v4);
}

EXPORT DWORD WINAPI FwpmNetEventSubscribe3(HANDLE engineHandle,
                                           const FWPM_NET_EVENT_SUBSCRIPTION0 *subscription,
                                           FWPM_NET_EVENT_CALLBACK3 callback, void *context,
                                           HANDLE *eventsHandle)
{
    const struct delivery_handler handler = {
        .event = on_event4, .callback = (void *)callback, .context = context};

    return subscribe_events(engineHandle, subscription, &handler, false, eventsHandle);
}

static void on_event5(void *callback, void *context, const OPENWFP_NET_EVENT *event)
{
    union any_event told;

    if (!event || !has_version(&event->event, 5))
        return;
    to_version(&told, 5, &event->event);
    ((FWPM_NET_EVENT_CALLBACK4)callback)(context, &told.v5);
}

EXPORT DWORD WINAPI FwpmNetEventSubscribe4(HANDLE engineHandle,
                                           const FWPM_NET_EVENT_SUBSCRIPTION0 *subscription,
                                           FWPM_NET_EVENT_CALLBACK4 callback, void *context,
                                           HANDLE *eventsHandle)
{
    const struct delivery_handler handler = {
        .event = on_event5, .callback = (void *)callback, .context = context};

    return subscribe_events(engineHandle, subscription, &handler, false, eventsHandle);
}

EXPORT DWORD WINAPI FwpmNetEventUnsubscribe0(HANDLE engineHandle, HANDLE eventsHandle)
{
    return unsubscribe(engineHandle, eventsHandle);
}

EXPORT DWORD WINAPI FwpmNetEventSubscriptionsGet0(HANDLE engineHandle,
                                                  FWPM_NET_EVENT_SUBSCRIPTION0 ***entries,
                                                  UINT32 *numEntries)
{
    return subscriptions_get(engineHandle, MODEL_NET_EVENT, (void ***)entries, numEntries);
}
