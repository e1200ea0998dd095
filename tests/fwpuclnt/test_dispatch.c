/* Callbacks: which they get, on which thread, and what ends them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <fwpsu.h>

#include "fake.h"

static const GUID key = {1, 2, 3, {4, 5, 6, 7, 8, 9, 10, 11}};

/* What callbacks saw. */
struct seen {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int count, ended;
    bool hold, inside;
    HANDLE engine, subscription;
    DWORD code;
    FWPM_FILTER_CHANGE0 change;
    OPENWFP_NET_EVENT event;
    UINT64 filter_id;
};

static void seen_init(struct seen *seen)
{
    *seen = (struct seen){0};
    pthread_mutex_init(&seen->lock, NULL);
    pthread_cond_init(&seen->changed, NULL);
}

static void wait_for(struct seen *seen, const int *counter, int wanted)
{
    pthread_mutex_lock(&seen->lock);
    while (*counter < wanted)
        pthread_cond_wait(&seen->changed, &seen->lock);
    pthread_mutex_unlock(&seen->lock);
}

static void count_one(struct seen *seen, int *counter)
{
    pthread_mutex_lock(&seen->lock);
    ++*counter;
    pthread_cond_broadcast(&seen->changed);
    pthread_mutex_unlock(&seen->lock);
}

static void on_change(void *context, const FWPM_FILTER_CHANGE0 *change)
{
    struct seen *seen = context;

    seen->change = *change;
    count_one(seen, &seen->count);
}

static void on_event(void *context, const OPENWFP_NET_EVENT *event)
{
    struct seen *seen = context;

    if (!event) {
        count_one(seen, &seen->ended);
        return;
    }
    seen->event = *event;
    count_one(seen, &seen->count);
}

static HANDLE subscribe_filters(HANDLE engine, FWPM_FILTER_CHANGE_CALLBACK0 callback,
                                struct seen *seen)
{
    FWPM_FILTER_SUBSCRIPTION0 subscription = {.flags = FWPM_SUBSCRIPTION_FLAG_NOTIFY_ON_ADD};
    HANDLE handle = NULL;

    assert_int_equal(FwpmFilterSubscribeChanges0(engine, &subscription, callback, seen, &handle),
                     ERROR_SUCCESS);
    return handle;
}

static void deliver_changes(struct fake *fake, int count)
{
    Rpc__Change change = RPC__CHANGE__INIT, *changes[16];
    Rpc__Delivery delivery = RPC__DELIVERY__INIT;

    change.kind = RPC__KIND__FILTER;
    change.type = FWPM_CHANGE_ADD;
    change.key = encode_guid(&key);
    change.id = 42;
    for (int i = 0; i < count; i++)
        changes[i] = &change;
    delivery.cookie = fake->cookie;
    delivery.n_changes = (size_t)count;
    delivery.changes = changes;
    fake_deliver(fake, &delivery);
}

static void deliver_event(struct fake *fake, FWPM_NET_EVENT_TYPE type, UINT64 lost)
{
    Rpc__NetEvent event = RPC__NET_EVENT__INIT, *events[] = {&event};
    Rpc__Delivery delivery = RPC__DELIVERY__INIT;

    event.type = type;
    event.flags = FWPM_NET_EVENT_FLAG_REMOTE_PORT_SET;
    event.ip_version = FWP_IP_VERSION_V4;
    event.remote_v4 = 0x0a000001;
    event.remote_port = 443;
    event.filter_id = 77;
    event.layer_id = FWPS_LAYER_ALE_AUTH_CONNECT_V4;
    event.pid = 1234;
    delivery.cookie = fake->cookie;
    delivery.n_events = 1;
    delivery.events = events;
    delivery.lost = lost;
    fake_deliver(fake, &delivery);
}

static void test_12_1_changes_arrive(void **state)
{
    struct fake fake = {0};
    struct seen seen;
    HANDLE engine, subscription;

    seen_init(&seen);
    fake_start(&fake);
    engine = fake_engine();
    subscription = subscribe_filters(engine, on_change, &seen);
    assert_int_equal(fake.subscribed, MODEL_FILTER);
    deliver_changes(&fake, 3);
    wait_for(&seen, &seen.count, 3);
    assert_int_equal(seen.change.changeType, FWPM_CHANGE_ADD);
    assert_memory_equal(&seen.change.filterKey, &key, sizeof(key));
    assert_int_equal(seen.change.filterId, 42);
    assert_int_equal(FwpmFilterUnsubscribeChanges0(engine, subscription), ERROR_SUCCESS);
    assert_int_equal(FwpmFilterUnsubscribeChanges0(engine, subscription), FWP_E_NOT_FOUND);
    FwpmEngineClose0(engine);
    fake_stop(&fake);
}

static void hold_change(void *context, const FWPM_FILTER_CHANGE0 *change)
{
    struct seen *seen = context;

    count_one(seen, &seen->count);
    pthread_mutex_lock(&seen->lock);
    while (seen->hold)
        pthread_cond_wait(&seen->changed, &seen->lock);
    seen->inside = false;
    pthread_mutex_unlock(&seen->lock);
}

static void *unsubscribe_it(void *argument)
{
    struct seen *seen = argument;

    FwpmFilterUnsubscribeChanges0(seen->engine, seen->subscription);
    assert_false(seen->inside);
    count_one(seen, &seen->ended);
    return NULL;
}

static void test_12_2_unsubscribe_waits_for_a_running_callback(void **state)
{
    struct fake fake = {0};
    struct seen seen;
    pthread_t thread;

    seen_init(&seen);
    seen.hold = seen.inside = true;
    fake_start(&fake);
    seen.engine = fake_engine();
    seen.subscription = subscribe_filters(seen.engine, hold_change, &seen);
    deliver_changes(&fake, 2);
    wait_for(&seen, &seen.count, 1);
    pthread_create(&thread, NULL, unsubscribe_it, &seen);
    usleep(50000);
    assert_int_equal(seen.ended, 0);
    pthread_mutex_lock(&seen.lock);
    seen.hold = false;
    pthread_cond_broadcast(&seen.changed);
    pthread_mutex_unlock(&seen.lock);
    pthread_join(thread, NULL);
    assert_int_equal(seen.ended, 1);
    assert_int_equal(FwpmEngineClose0(seen.engine), ERROR_SUCCESS);
    fake_stop(&fake);
}

static void unsubscribe_inside(void *context, const FWPM_FILTER_CHANGE0 *change)
{
    struct seen *seen = context;

    seen->code = FwpmFilterUnsubscribeChanges0(seen->engine, seen->subscription);
    count_one(seen, &seen->count);
}

static void test_unsubscribe_from_the_callback(void **state)
{
    struct fake fake = {0};
    struct seen seen;

    seen_init(&seen);
    fake_start(&fake);
    seen.engine = fake_engine();
    seen.subscription = subscribe_filters(seen.engine, unsubscribe_inside, &seen);
    deliver_changes(&fake, 3);
    wait_for(&seen, &seen.count, 1);
    assert_int_equal(seen.code, ERROR_SUCCESS);
    FwpmEngineClose0(seen.engine);
    assert_int_equal(seen.count, 1); /* the other two changes are not told any more */
    fake_stop(&fake);
}

static void close_inside(void *context, const FWPM_FILTER_CHANGE0 *change)
{
    struct seen *seen = context;

    seen->code = FwpmEngineClose0(seen->engine);
    count_one(seen, &seen->count);
}

static void test_close_from_the_callback(void **state)
{
    struct fake fake = {0};
    struct seen seen;

    seen_init(&seen);
    fake_start(&fake);
    seen.engine = fake_engine();
    seen.subscription = subscribe_filters(seen.engine, close_inside, &seen);
    deliver_changes(&fake, 3);
    wait_for(&seen, &seen.count, 1);
    assert_int_equal(seen.code, ERROR_SUCCESS);
    fake_stop(&fake);
}

static void test_events_beyond_windows_and_the_end(void **state)
{
    FWPM_NET_EVENT_SUBSCRIPTION0 subscription = {0};
    struct fake fake = {0};
    struct seen seen;
    HANDLE engine, handle;

    seen_init(&seen);
    fake_start(&fake);
    engine = fake_engine();
    assert_int_equal(OpenWfpNetEventSubscribe(engine, &subscription, on_event, &seen, &handle),
                     ERROR_SUCCESS);
    deliver_event(&fake, FWPM_NET_EVENT_TYPE_CLASSIFY_ALLOW, 5);
    wait_for(&seen, &seen.count, 1);
    assert_int_equal(seen.event.lost, 5);
    assert_int_equal(seen.event.processId, 1234);
    assert_int_equal(seen.event.event.header.remotePort, 443);
    fake_hang_up(&fake);
    wait_for(&seen, &seen.ended, 1);
    FwpmEngineClose0(engine);
    fake_stop(&fake);
}

static void on_event1(void *context, const FWPM_NET_EVENT1 *event)
{
    struct seen *seen = context;

    assert_int_equal(event->type, FWPM_NET_EVENT_TYPE_CLASSIFY_DROP);
    seen->filter_id = event->classifyDrop->filterId;
    count_one(seen, &seen->count);
}

static void on_event4(void *context, const FWPM_NET_EVENT4 *event)
{
    struct seen *seen = context;

    assert_int_equal(event->type, FWPM_NET_EVENT_TYPE_CLASSIFY_ALLOW);
    assert_int_equal(event->classifyAllow->layerId, FWPS_LAYER_ALE_AUTH_CONNECT_V4);
    assert_int_equal(event->header.remoteAddrV4, 0x0a000001);
    seen->filter_id = event->classifyAllow->filterId;
    count_one(seen, &seen->count);
}

static void test_13_2_older_versions_of_events(void **state)
{
    FWPM_NET_EVENT_SUBSCRIPTION0 subscription = {0};
    struct fake fake = {0};
    struct seen seen;
    HANDLE engine, handle;

    seen_init(&seen);
    fake_start(&fake);
    engine = fake_engine();
    assert_int_equal(FwpmNetEventSubscribe0(engine, &subscription, on_event1, &seen, &handle),
                     ERROR_SUCCESS);
    deliver_event(&fake, FWPM_NET_EVENT_TYPE_CLASSIFY_ALLOW, 0); /* unknown to version 1 */
    deliver_event(&fake, FWPM_NET_EVENT_TYPE_CLASSIFY_DROP, 0);
    wait_for(&seen, &seen.count, 1);
    assert_int_equal(seen.filter_id, 77);
    assert_int_equal(FwpmNetEventUnsubscribe0(engine, handle), ERROR_SUCCESS);
    seen.filter_id = 0;
    assert_int_equal(FwpmNetEventSubscribe3(engine, &subscription, on_event4, &seen, &handle),
                     ERROR_SUCCESS);
    deliver_event(&fake, FWPM_NET_EVENT_TYPE_CLASSIFY_ALLOW, 0);
    wait_for(&seen, &seen.count, 2);
    assert_int_equal(seen.filter_id, 77);
    FwpmEngineClose0(engine);
    fake_stop(&fake);
}

static void test_malformed_delivery_ends_the_stream(void **state)
{
    static const uint8_t garbage[] = {3, 0, 0, 0, 0xff, 0xff, 0xff};
    FWPM_NET_EVENT_SUBSCRIPTION0 subscription = {0};
    struct fake fake = {0};
    struct seen seen;
    HANDLE engine, handle;

    seen_init(&seen);
    fake_start(&fake);
    engine = fake_engine();
    assert_int_equal(OpenWfpNetEventSubscribe(engine, &subscription, on_event, &seen, &handle),
                     ERROR_SUCCESS);
    fake_deliver_bytes(&fake, garbage, sizeof(garbage));
    wait_for(&seen, &seen.ended, 1);
    FwpmEngineClose0(engine);
    fake_stop(&fake);
}

static void test_own_subscriptions(void **state)
{
    FWPM_FILTER_ENUM_TEMPLATE0 template_ = {.layerKey = key, .actionMask = 0xffffffff};
    FWPM_FILTER_SUBSCRIPTION0 subscription = {.enumTemplate = &template_, .flags = 3}, **entries;
    FWPM_PROVIDER_SUBSCRIPTION0 **others;
    struct fake fake = {0};
    struct seen seen;
    HANDLE engine, handle;
    UINT32 count;

    seen_init(&seen);
    fake_start(&fake);
    engine = fake_engine();
    assert_int_equal(FwpmFilterSubscriptionsGet0(engine, &entries, &count), ERROR_SUCCESS);
    assert_int_equal(count, 0);
    FwpmFreeMemory0((void **)&entries);
    assert_int_equal(FwpmFilterSubscribeChanges0(engine, &subscription, on_change, &seen, &handle),
                     ERROR_SUCCESS);
    assert_int_equal(FwpmFilterSubscriptionsGet0(engine, &entries, &count), ERROR_SUCCESS);
    assert_int_equal(count, 1);
    assert_int_equal(entries[0]->flags, 3);
    assert_memory_equal(&entries[0]->enumTemplate->layerKey, &key, sizeof(key));
    FwpmFreeMemory0((void **)&entries);
    assert_null(entries);
    assert_int_equal(FwpmProviderSubscriptionsGet0(engine, &others, &count), ERROR_SUCCESS);
    assert_int_equal(count, 0);
    FwpmFreeMemory0((void **)&others);
    FwpmEngineClose0(engine);
    fake_stop(&fake);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_12_1_changes_arrive),
        cmocka_unit_test(test_12_2_unsubscribe_waits_for_a_running_callback),
        cmocka_unit_test(test_unsubscribe_from_the_callback),
        cmocka_unit_test(test_close_from_the_callback),
        cmocka_unit_test(test_events_beyond_windows_and_the_end),
        cmocka_unit_test(test_13_2_older_versions_of_events),
        cmocka_unit_test(test_malformed_delivery_ends_the_stream),
        cmocka_unit_test(test_own_subscriptions),
    };

    alarm(60); /* a callback that never comes must not hang the suite */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
