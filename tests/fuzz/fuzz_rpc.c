/*
 * The input is what a hostile peer writes to a socket. Its frames are taken apart like a service
 * and like a client would, and everything that decodes is encoded again.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "rpc/convert.h"
#include "rpc/frame.h"

#define MEMORY (4u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void decode_add(struct converter *c, const Rpc__Add *add)
{
    union {
        FWPM_PROVIDER0 provider;
        FWPM_PROVIDER_CONTEXT0 context;
        FWPM_SUBLAYER0 sublayer;
        FWPM_CALLOUT0 callout;
        FWPM_FILTER0 filter;
    } object;

    switch (add->object_case) {
    case RPC__ADD__OBJECT_PROVIDER:
        if (decode_provider(c, add->provider, &object.provider))
            encode_provider(c, &object.provider);
        break;
    case RPC__ADD__OBJECT_PROVIDER_CONTEXT:
        if (decode_provider_context(c, add->provider_context, &object.context))
            encode_provider_context(c, &object.context);
        break;
    case RPC__ADD__OBJECT_SUBLAYER:
        if (decode_sublayer(c, add->sublayer, &object.sublayer))
            encode_sublayer(c, &object.sublayer);
        break;
    case RPC__ADD__OBJECT_CALLOUT:
        if (decode_callout(c, add->callout, &object.callout))
            encode_callout(c, &object.callout);
        break;
    case RPC__ADD__OBJECT_FILTER:
        if (decode_filter(c, add->filter, &object.filter))
            encode_filter(c, &object.filter);
        break;
    default:
        break;
    }
}

static void decode_any_template(struct converter *c, Rpc__Kind number, const Rpc__Template *message)
{
    enum model_kind kind;
    const void *template_;
    Rpc__Template *again;

    if (decode_kind(c, number, &kind) && decode_template(c, kind, message, &template_))
        encode_template(c, kind, template_, &again);
}

static void decode_many(struct converter *c, const Rpc__AddMany *many)
{
    FWPM_FILTER0 filter;

    for (size_t i = 0; i < many->n_filters; i++)
        decode_filter(c, many->filters[i], &filter);
}

static void as_request(struct converter *c, const uint8_t *bytes, size_t size)
{
    const Rpc__Request *request = unpack_request(c, bytes, size);
    OPENWFP_EXPLAIN_REQUEST explain;
    FWPM_SESSION0 session;
    FWP_VALUE0 value;

    switch (request ? request->call_case : RPC__REQUEST__CALL__NOT_SET) {
    case RPC__REQUEST__CALL_OPEN:
        if (request->open->session && decode_session(c, request->open->session, &session))
            encode_session(c, &session);
        break;
    case RPC__REQUEST__CALL_OPTION_SET:
        if (decode_value(c, request->option_set->value, &value))
            encode_value(c, &value);
        break;
    case RPC__REQUEST__CALL_ADD:
        decode_add(c, request->add);
        break;
    case RPC__REQUEST__CALL_ADD_MANY:
        decode_many(c, request->add_many);
        break;
    case RPC__REQUEST__CALL_ENUM_CREATE:
        decode_any_template(c, request->enum_create->kind, request->enum_create->template_);
        break;
    case RPC__REQUEST__CALL_SUBSCRIBE:
        decode_any_template(c, request->subscribe->kind, request->subscribe->template_);
        break;
    case RPC__REQUEST__CALL_EXPLAIN:
        if (decode_explain(c, request->explain, &explain))
            encode_explain(c, &explain);
        break;
    default:
        break;
    }
}

static void as_reply(struct converter *c, const uint8_t *bytes, size_t size)
{
    const Rpc__Reply *reply = unpack_reply(c, bytes, size);
    OPENWFP_EXPLANATION explanation;
    OPENWFP_ENGINE_REPORT report;
    FWP_VALUE0 value;
    void **objects;
    size_t count;

    switch (reply ? reply->result_case : RPC__REPLY__RESULT__NOT_SET) {
    case RPC__REPLY__RESULT_OPTION:
        decode_value(c, reply->option, &value);
        break;
    case RPC__REPLY__RESULT_OBJECTS:
        if (decode_objects(c, (enum model_kind)reply->objects->kind, reply->objects, &count,
                           &objects))
            encode_objects(c, (enum model_kind)reply->objects->kind, count,
                           (const void *const *)objects);
        break;
    case RPC__REPLY__RESULT_EXPLAINED:
        if (decode_explanation(c, reply->explained, &explanation))
            encode_explanation(c, &explanation);
        break;
    case RPC__REPLY__RESULT_LOADED_CALLOUTS:
        decode_loaded_callouts(c, reply->loaded_callouts, &count, &objects);
        break;
    case RPC__REPLY__RESULT_REPORT:
        if (decode_report(c, reply->report, &report))
            encode_report(c, &report);
        break;
    case RPC__REPLY__RESULT_FLOWS:
        decode_flows(c, reply->flows, &count, &objects);
        break;
    case RPC__REPLY__RESULT_DRIVERS:
        decode_drivers(c, reply->drivers, &count, &objects);
        break;
    case RPC__REPLY__RESULT_HELD_LIST:
        decode_held_list(c, reply->held_list, &count, &objects);
        break;
    default:
        break;
    }
}

static void as_delivery(struct converter *c, const uint8_t *bytes, size_t size)
{
    const Rpc__Delivery *delivery = unpack_delivery(c, bytes, size);
    OPENWFP_HELD_NOTICE notice;
    OPENWFP_NET_EVENT event;

    for (size_t i = 0; delivery && i < delivery->n_events; i++)
        if (decode_net_event(c, delivery->events[i], &event))
            encode_net_event(c, &event);
    for (size_t i = 0; delivery && i < delivery->n_held; i++)
        if (decode_held_notice(c, delivery->held[i], &notice))
            encode_held_notice(c, &notice);
}

static void take_message(const uint8_t *bytes, size_t size)
{
    static void (*const readings[])(struct converter *, const uint8_t *,
                                    size_t) = {as_request, as_reply, as_delivery};

    for (int i = 0; i < 3; i++) {
        struct arena arena;
        struct converter converter = {.arena = &arena};

        arena_init(&arena, MEMORY);
        readings[i](&converter, bytes, size);
        arena_free(&arena);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct frame_reader reader;
    const uint8_t *bytes;
    size_t length;
    int fds[2], next = 0;

    if (size > 65536 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds))
        return 0;
    if (write(fds[0], data, size) != (ssize_t)size)
        abort();
    shutdown(fds[0], SHUT_WR);
    frame_reader_init(&reader, FRAME_MAX);
    do
        while ((next = frame_next(&reader, &bytes, &length)) == 1)
            take_message(bytes, length);
    while (!next && frame_read(&reader, fds[1]) > 0);
    frame_reader_free(&reader);
    close(fds[0]);
    close(fds[1]);
    return 0;
}
