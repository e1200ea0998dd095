/* Objects survive encoding, packing, unpacking and decoding; broken messages break nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "random_object.h"
#include "rpc/convert.h"
#include "same_object.h"

#define ROUNDS 2000
#define LIMIT  (64u << 20)

struct fixture {
    struct arena making, sending, receiving;
    struct random_source source;
    struct converter out, in;
};

static void fixture_init(struct fixture *f)
{
    arena_init(&f->making, LIMIT);
    arena_init(&f->sending, LIMIT);
    arena_init(&f->receiving, LIMIT);
    f->source = (struct random_source){.arena = &f->making, .state = 1};
    f->out = (struct converter){.arena = &f->sending};
    f->in = (struct converter){.arena = &f->receiving};
}

static void fixture_reset(struct fixture *f)
{
    arena_reset(&f->making);
    arena_reset(&f->sending);
    arena_reset(&f->receiving);
}

static void fixture_free(struct fixture *f)
{
    arena_free(&f->making);
    arena_free(&f->sending);
    arena_free(&f->receiving);
}

/* What the other side unpacks. */
static void *transfer(struct fixture *f, const ProtobufCMessage *message)
{
    size_t size = protobuf_c_message_get_packed_size(message);
    uint8_t *bytes = malloc(size + 1);
    void *received;

    assert_int_equal(protobuf_c_message_pack(message, bytes), size);
    received = protobuf_c_message_unpack(message->descriptor, &f->receiving.allocator, size, bytes);
    free(bytes); /* nothing may point there */
    assert_non_null(received);
    return received;
}

#define ROUND_TRIP(kind, structure)                                                                \
    static void test_##kind##_round_trip(void **state)                                             \
    {                                                                                              \
        struct fixture f;                                                                          \
        fixture_init(&f);                                                                          \
        for (int i = 0; i < ROUNDS; i++) {                                                         \
            structure sent = random_##kind(&f.source), received;                                   \
            void *message = encode_##kind(&f.out, &sent);                                          \
            assert_non_null(message);                                                              \
            assert_true(decode_##kind(&f.in, transfer(&f, message), &received));                   \
            same_##kind(&sent, &received);                                                         \
            fixture_reset(&f);                                                                     \
        }                                                                                          \
        fixture_free(&f);                                                                          \
    }

ROUND_TRIP(provider, FWPM_PROVIDER0)
ROUND_TRIP(provider_context, FWPM_PROVIDER_CONTEXT0)
ROUND_TRIP(sublayer, FWPM_SUBLAYER0)
ROUND_TRIP(callout, FWPM_CALLOUT0)
ROUND_TRIP(filter, FWPM_FILTER0)
ROUND_TRIP(net_event, OPENWFP_NET_EVENT)
ROUND_TRIP(classifier, OPENWFP_CLASSIFIER)
ROUND_TRIP(held_notice, OPENWFP_HELD_NOTICE)
ROUND_TRIP(value, FWP_VALUE0)

static void test_hold_round_trip(void **state)
{
    struct fixture f;
    OPENWFP_HOLD sent = {.active = TRUE, .networks = 3}, received;

    fixture_init(&f);
    sent.timedOut = UINT64_MAX;
    sent.classifyTime = UINT32_MAX;
    void *message = encode_hold(&f.out, &sent);
    assert_true(decode_hold(&f.in, transfer(&f, message), &received));
    assert_memory_equal(&sent, &received, offsetof(OPENWFP_HOLD, classifyTime)); /* no padding */
    assert_int_equal(sent.classifyTime, received.classifyTime);
    fixture_free(&f);
}

static void test_drivers_round_trip(void **state)
{
    static char name[] = "inspect", path[] = "/lib/inspect.so", reason[] = "was killed";
    const OPENWFP_DRIVER sent[2] = {
        {name, path, reason, OPENWFP_DRIVER_FAILED, 0, 0, 1, {1, 2}},
        {path, name, reason, OPENWFP_DRIVER_RUNNING, 4711, 2, UINT32_MAX, {3, 4}}};
    struct fixture f;
    void **received;
    size_t count;

    fixture_init(&f);
    void *message = encode_drivers(&f.out, 2, sent);
    assert_true(decode_drivers(&f.in, transfer(&f, message), &count, &received));
    assert_int_equal(count, 2);
    for (int i = 0; i < 2; i++) {
        const OPENWFP_DRIVER *driver = received[i];

        assert_string_equal(driver->name, sent[i].name);
        assert_string_equal(driver->path, sent[i].path);
        assert_string_equal(driver->reason, sent[i].reason);
        assert_int_equal(driver->state, sent[i].state);
        assert_int_equal(driver->processId, sent[i].processId);
        assert_int_equal(driver->numCallouts, sent[i].numCallouts);
        assert_int_equal(driver->restarts, sent[i].restarts);
        assert_memory_equal(&driver->since, &sent[i].since, sizeof(driver->since));
    }
    fixture_free(&f);
}

static void test_held_list_round_trip(void **state)
{
    struct fixture f;
    OPENWFP_HELD sent[3];
    void **received;
    size_t count;

    fixture_init(&f);
    for (int i = 0; i < 3; i++)
        sent[i] = random_held_notice(&f.source).held;
    void *message = encode_held_list(&f.out, 3, sent);
    assert_true(decode_held_list(&f.in, transfer(&f, message), &count, &received));
    assert_int_equal(count, 3);
    for (int i = 0; i < 3; i++)
        same_held(&sent[i], received[i]);
    fixture_free(&f);
}

static void test_11_3_filter_template_round_trip(void **state)
{
    struct fixture f;

    fixture_init(&f);
    for (int i = 0; i < ROUNDS; i++) {
        FWPM_FILTER_ENUM_TEMPLATE0 sent = random_filter_template(&f.source);
        const void *received;
        Rpc__Template *message;

        assert_true(encode_template(&f.out, MODEL_FILTER, &sent, &message));
        assert_true(decode_template(&f.in, MODEL_FILTER, transfer(&f, &message->base), &received));
        same_filter_template(&sent, received);
        fixture_reset(&f);
    }
    fixture_free(&f);
}

static void test_11_4_template_of_another_kind_is_refused(void **state)
{
    FWPM_CALLOUT_ENUM_TEMPLATE0 template_ = {0};
    Rpc__Template *message;
    const void *received;
    struct fixture f;

    fixture_init(&f);
    assert_true(encode_template(&f.out, MODEL_CALLOUT, &template_, &message));
    assert_false(decode_template(&f.in, MODEL_FILTER, message, &received));
    assert_int_equal(f.in.error.code, FWP_E_INVALID_PARAMETER);
    assert_true(encode_template(&f.out, MODEL_LAYER, &template_, &message));
    assert_null(message);
    assert_true(decode_template(&f.in, MODEL_FILTER, NULL, &received));
    assert_null(received);
    fixture_free(&f);
}

static void test_objects_of_one_kind(void **state)
{
    FWPM_FILTER0 filters[3];
    const void *sent[3];
    void **received;
    size_t count;
    Rpc__Objects *message;
    struct fixture f;

    fixture_init(&f);
    for (int i = 0; i < 3; i++) {
        filters[i] = random_filter(&f.source);
        sent[i] = &filters[i];
    }
    message = transfer(&f, &encode_objects(&f.out, MODEL_FILTER, 3, sent)->base);
    assert_true(decode_objects(&f.in, MODEL_FILTER, message, &count, &received));
    assert_int_equal(count, 3);
    for (int i = 0; i < 3; i++)
        same_filter(&filters[i], received[i]);
    assert_false(decode_objects(&f.in, MODEL_CALLOUT, message, &count, &received));
    assert_int_equal(f.in.error.code, FWP_E_INVALID_PARAMETER);
    assert_false(decode_objects(&f.in, MODEL_ENGINE, message, &count, &received));
    fixture_free(&f);
}

/* ---- broken messages */

static size_t pack_filter_request(struct fixture *f, uint8_t **bytes)
{
    Rpc__Request request = RPC__REQUEST__INIT;
    Rpc__Add add = RPC__ADD__INIT;
    FWPM_FILTER0 filter = random_filter(&f->source);
    size_t size;

    request.id = 7;
    request.call_case = RPC__REQUEST__CALL_ADD;
    request.add = &add;
    add.object_case = RPC__ADD__OBJECT_FILTER;
    add.filter = encode_filter(&f->out, &filter);
    assert_non_null(add.filter);
    size = rpc__request__get_packed_size(&request);
    *bytes = malloc(size);
    rpc__request__pack(&request, *bytes);
    return size;
}

/* Copies to the end of a block of its own, so that a sanitizer sees every byte read beyond. */
static void try_request(struct fixture *f, const uint8_t *bytes, size_t size)
{
    uint8_t *copy = malloc(size ? size : 1);
    Rpc__Request *request;
    FWPM_FILTER0 filter;

    memcpy(copy, bytes, size);
    request = unpack_request(&f->in, copy, size);
    free(copy);
    if (request && request->call_case == RPC__REQUEST__CALL_ADD &&
        request->add->object_case == RPC__ADD__OBJECT_FILTER)
        decode_filter(&f->in, request->add->filter, &filter);
    arena_reset(&f->receiving);
}

static void test_truncation_at_every_byte(void **state)
{
    struct fixture f;

    fixture_init(&f);
    for (int i = 0; i < 50; i++) {
        uint8_t *bytes;
        size_t size = pack_filter_request(&f, &bytes);

        for (size_t cut = 0; cut <= size; cut++)
            try_request(&f, bytes, cut);
        free(bytes);
        fixture_reset(&f);
    }
    fixture_free(&f);
}

static void test_flipped_bytes(void **state)
{
    struct fixture f;

    fixture_init(&f);
    for (int i = 0; i < 5000; i++) {
        uint8_t *bytes;
        size_t size = pack_filter_request(&f, &bytes);

        for (int flips = 0; flips < 4; flips++)
            bytes[random_below(&f.source, (uint32_t)size)] = (uint8_t)random_below(&f.source, 256);
        try_request(&f, bytes, size);
        free(bytes);
        fixture_reset(&f);
    }
    fixture_free(&f);
}

/* Two bytes for each empty condition: 16 MiB would become gigabytes. */
static void test_small_message_of_many_objects_meets_the_limit(void **state)
{
    size_t size = 4u << 20;
    uint8_t *bytes = malloc(size);
    struct fixture f;

    fixture_init(&f);
    for (size_t i = 0; i < size; i += 2) {
        bytes[i] = 6 << 3 | 2; /* Objects.filters, length-delimited … */
        bytes[i + 1] = 0;      /* … of no bytes */
    }
    assert_null(
        protobuf_c_message_unpack(&rpc__objects__descriptor, &f.receiving.allocator, size, bytes));
    assert_true(f.receiving.total <= LIMIT);
    free(bytes);
    fixture_free(&f);
}

/* protobuf joins repeated singular messages by copying what came before: quadratic, if let. */
static void test_repeated_singular_message_meets_the_limit(void **state)
{
    /* Request.add_many (39), two bytes long: filters (1) of no bytes */
    static const uint8_t again[] = {0xba, 0x02, 2, 1 << 3 | 2, 0};
    size_t size = sizeof(again) << 20;
    uint8_t *bytes = malloc(size);
    struct fixture f;

    fixture_init(&f);
    for (size_t i = 0; i < size; i++)
        bytes[i] = again[i % sizeof(again)];
    assert_null(unpack_request(&f.in, bytes, size));
    assert_true(f.receiving.total <= LIMIT);
    free(bytes);
    fixture_free(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_provider_round_trip),
        cmocka_unit_test(test_provider_context_round_trip),
        cmocka_unit_test(test_sublayer_round_trip),
        cmocka_unit_test(test_callout_round_trip),
        cmocka_unit_test(test_filter_round_trip),
        cmocka_unit_test(test_net_event_round_trip),
        cmocka_unit_test(test_classifier_round_trip),
        cmocka_unit_test(test_held_notice_round_trip),
        cmocka_unit_test(test_held_list_round_trip),
        cmocka_unit_test(test_hold_round_trip),
        cmocka_unit_test(test_drivers_round_trip),
        cmocka_unit_test(test_value_round_trip),
        cmocka_unit_test(test_11_3_filter_template_round_trip),
        cmocka_unit_test(test_11_4_template_of_another_kind_is_refused),
        cmocka_unit_test(test_objects_of_one_kind),
        cmocka_unit_test(test_truncation_at_every_byte),
        cmocka_unit_test(test_flipped_bytes),
        cmocka_unit_test(test_small_message_of_many_objects_meets_the_limit),
        cmocka_unit_test(test_repeated_singular_message_meets_the_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
