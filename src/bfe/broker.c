#include "broker.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "classify/arbitrate.h"
#include "log.h"
#include "model/error.h"
#include "questions.h"

#define MESSAGES_AT_ONCE 64
#define TELL_AFTER_US    10000 /* so that questions that grow are not told of for each operation */

struct broker {
    sd_event *event;
    sd_event_source *io, *teller;
    struct broker_listener listener;
    struct questions questions;
    struct operations due; /* have something to say */
    int socket;            /* -1: nobody holds anything */
    struct {
        struct driver_classify classify;
        uint8_t packet[DRIVER_PACKET_MAX];
    } message;
};

static uint64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* ---- telling the listener ---- */

static void tell(struct broker *broker, struct question *question, OPENWFP_HELD_CHANGE change,
                 FWP_ACTION_TYPE action, uint32_t by)
{
    const OPENWFP_HELD_NOTICE notice = {.held = questions_show(question, now_ms()),
                                        .change = change,
                                        .action = action,
                                        .answeredBy = by};

    question->told = true;
    if (broker->listener.notice)
        broker->listener.notice(broker->listener.ctx, &notice);
}

static int on_tell(sd_event_source *source, uint64_t when, void *ctx)
{
    struct broker *broker = ctx;
    struct question *question = TAILQ_FIRST(&broker->questions.list);

    for (; question; question = TAILQ_NEXT(question, place))
        if (!question->told)
            tell(broker, question, OPENWFP_HELD_ASKED, 0, 0);
    return 0;
}

static void tell_soon(struct broker *broker)
{
    int enabled = SD_EVENT_OFF;

    sd_event_source_get_enabled(broker->teller, &enabled);
    if (enabled != SD_EVENT_OFF)
        return;
    sd_event_source_set_time_relative(broker->teller, TELL_AFTER_US);
    sd_event_source_set_enabled(broker->teller, SD_EVENT_ONESHOT);
}

/* ---- to the host's other end ---- */

static void put_in_line(struct broker *broker, struct operation *operation, uint32_t due)
{
    if (!operation->due)
        TAILQ_INSERT_TAIL(&broker->due, operation, line);
    operation->due |= due;
}

static void take_out_of_line(struct broker *broker, struct operation *operation)
{
    if (operation->due)
        TAILQ_REMOVE(&broker->due, operation, line);
    operation->due = 0;
}

static void end_operation(struct broker *broker, struct operation *operation)
{
    take_out_of_line(broker, operation);
    questions_end(&broker->questions, operation);
}

static ssize_t send_answer(const struct broker *broker, const struct operation *operation)
{
    struct driver_answer answer = {
        .header = {DRIVER_ANSWER, sizeof(answer), operation->id},
        .round = operation->round,
        .action = operation->action,
        .rights = operation->action == FWP_ACTION_PERMIT ? FWPS_RIGHT_ACTION_WRITE : 0,
        .pended = operation->question != NULL || (operation->due & OPERATION_COMPLETE),
    };

    if (operation->question) {
        answer.deadline_ms = operation->question->held.timeout;
        answer.default_action = operation->question->held.defaultAction;
    }
    return send(broker->socket, &answer, sizeof(answer), MSG_NOSIGNAL | MSG_DONTWAIT);
}

static ssize_t send_complete(const struct broker *broker, const struct operation *operation)
{
    const struct driver_complete complete = {
        .header = {DRIVER_COMPLETE, sizeof(complete), operation->id},
        .action = operation->action,
    };

    return send(broker->socket, &complete, sizeof(complete), MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* False: the socket takes no more now. */
static bool say(struct broker *broker, struct operation *operation)
{
    if (operation->due & OPERATION_ANSWER) {
        if (send_answer(broker, operation) < 0)
            return false;
        operation->due &= ~OPERATION_ANSWER;
    }
    if (operation->due & OPERATION_COMPLETE) {
        if (send_complete(broker, operation) < 0)
            return false;
        operation->due &= ~OPERATION_COMPLETE;
    }
    TAILQ_REMOVE(&broker->due, operation, line);
    return true;
}

/* That the other end is gone is noticed when reading. */
static void say_all(struct broker *broker)
{
    struct operation *operation;

    while ((operation = TAILQ_FIRST(&broker->due)) && say(broker, operation))
        if (!operation->pended)
            questions_end(&broker->questions, operation);
    if (broker->io)
        sd_event_source_set_io_events(broker->io, operation ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

/* ---- from there ---- */

static bool is_reauthorized(const struct ale_ask *ask)
{
    return ask->fields.value[CLASSIFY_FLAGS] & FWP_CONDITION_FLAG_IS_REAUTHORIZE;
}

static uint32_t without_asking(const struct driver_classify *classify)
{
    const struct ale_ask *ask = &classify->ask;

    return !(classify->flags & DRIVER_CAN_PEND) && is_reauthorized(ask)
               ? FWP_ACTION_PERMIT
               : OPENWFP_HOLD_CONTEXT_ACTION(ask->filter_context);
}

/* The policy changed while it waited for its answer to be heard: the same filter has asked that. */
static bool is_answered(const struct operation *operation, const struct driver_classify *classify)
{
    return operation->pended && !operation->question && operation->action &&
           operation->filter == classify->ask.filter_id;
}

/* An operation has left it; `decided` says how that ended, if it did. */
static void drop_if_empty(struct broker *broker, struct question *question,
                          const struct driver_decided *decided)
{
    if (!question)
        return;
    tell_soon(broker);
    if (question->count)
        return;
    if (decided && decided->timed_out)
        tell(broker, question, OPENWFP_HELD_EXPIRED,
             decided->permitted ? FWP_ACTION_PERMIT : FWP_ACTION_BLOCK, 0);
    else
        tell(broker, question, OPENWFP_HELD_GONE, 0, 0);
    questions_drop(&broker->questions, question);
}

static void consider(struct broker *broker, struct operation *operation,
                     const struct driver_classify *classify)
{
    struct question *before = operation->question;

    questions_leave(&broker->questions, operation);
    operation->action = 0;
    if ((classify->flags & DRIVER_CAN_PEND) &&
        questions_ask(&broker->questions, operation, classify, now_ms())) {
        operation->pended = true;
        tell_soon(broker);
    } else {
        operation->action = without_asking(classify);
    }
    drop_if_empty(broker, before, NULL);
}

static void on_classify(struct broker *broker, const struct driver_classify *classify)
{
    struct questions *questions = &broker->questions;
    struct operation *operation = questions_operation(questions, classify->header.operation);

    if (!operation)
        operation = questions_begin(questions, classify->header.operation);
    if (!operation) {
        log_limited(LOG_WARNING, "no room for what hold filters ask");
        return;
    }
    operation->round = classify->round;
    if (!is_answered(operation, classify))
        consider(broker, operation, classify);
    put_in_line(broker, operation, OPERATION_ANSWER);
}

static void on_decided(struct broker *broker, const struct driver_decided *decided)
{
    struct operation *operation =
        questions_operation(&broker->questions, decided->header.operation);
    struct question *question = operation ? operation->question : NULL;

    if (operation)
        end_operation(broker, operation);
    drop_if_empty(broker, question, decided);
}

static void on_message(struct broker *broker, size_t size)
{
    const struct driver_classify *classify = &broker->message.classify;

    if (size < sizeof(classify->header) || classify->header.size != size)
        return;
    if (classify->header.kind == DRIVER_CLASSIFY && size >= sizeof(*classify))
        on_classify(broker, classify);
    else if (classify->header.kind == DRIVER_DECIDED && size == sizeof(struct driver_decided))
        on_decided(broker, (const void *)classify);
}

static void disconnect(struct broker *broker)
{
    struct question *question;
    struct operation *operation;

    while ((question = TAILQ_FIRST(&broker->questions.list))) {
        while ((operation = TAILQ_FIRST(&question->operations)))
            end_operation(broker, operation);
        drop_if_empty(broker, question, NULL);
    }
    questions_clear(&broker->questions);
    TAILQ_INIT(&broker->due);
    broker->io = sd_event_source_disable_unref(broker->io);
    if (broker->socket >= 0)
        close(broker->socket);
    broker->socket = -1;
}

static int on_io(sd_event_source *source, int fd, uint32_t events, void *ctx)
{
    struct broker *broker = ctx;

    for (int i = 0; i < MESSAGES_AT_ONCE; i++) {
        ssize_t size =
            recv(fd, &broker->message, sizeof(broker->message), MSG_DONTWAIT | MSG_TRUNC);

        if (size < 0 && (errno == EAGAIN || errno == EINTR))
            break;
        if (size <= 0) {
            disconnect(broker);
            return 0;
        }
        if ((size_t)size <= sizeof(broker->message))
            on_message(broker, (size_t)size);
    }
    say_all(broker);
    return 0;
}

int broker_serve(struct broker *broker, int socket)
{
    int code;

    disconnect(broker);
    broker->socket = socket;
    code = sd_event_add_io(broker->event, &broker->io, socket, EPOLLIN, on_io, broker);
    if (code < 0)
        disconnect(broker);
    return code;
}

/* ---- what askers want ---- */

OPENWFP_HELD *broker_list(const struct broker *broker, struct arena *arena, size_t *count)
{
    OPENWFP_HELD *list = arena_array(arena, broker->questions.count, sizeof(*list));
    const struct question *question = TAILQ_FIRST(&broker->questions.list);
    uint64_t now = now_ms();

    *count = 0;
    for (; list && question; question = TAILQ_NEXT(question, place))
        list[(*count)++] = questions_show(question, now);
    return list;
}

uint32_t broker_answer(struct broker *broker, uint64_t id, FWP_ACTION_TYPE action, uint32_t by,
                       struct model_error *error)
{
    struct question *question = questions_find(&broker->questions, id);
    struct operation *operation;

    if (!question || !question->count)
        return fail(error, FWP_E_NOT_FOUND,
                    "no question has that id any more: it was answered, or its time was over");
    tell(broker, question, OPENWFP_HELD_ANSWERED, action, by);
    while ((operation = TAILQ_FIRST(&question->operations))) {
        questions_leave(&broker->questions, operation);
        operation->action = action;
        put_in_line(broker, operation, OPERATION_COMPLETE);
    }
    questions_drop(&broker->questions, question);
    say_all(broker);
    return ERROR_SUCCESS;
}

/* ---- life ---- */

int broker_new(sd_event *event, const struct broker_listener *listener, struct broker **made)
{
    struct broker *broker = calloc(1, sizeof(*broker));
    int code;

    if (!broker)
        return -ENOMEM;
    broker->event = sd_event_ref(event);
    broker->listener = *listener;
    broker->socket = -1;
    TAILQ_INIT(&broker->due);
    code = questions_init(&broker->questions);
    if (code >= 0)
        code = sd_event_add_time_relative(event, &broker->teller, CLOCK_MONOTONIC, 0, 1000, on_tell,
                                          broker);
    if (code >= 0)
        code = sd_event_source_set_enabled(broker->teller, SD_EVENT_OFF);
    if (code < 0) {
        broker_free(broker);
        return code;
    }
    *made = broker;
    return 0;
}

void broker_free(struct broker *broker)
{
    if (!broker)
        return;
    broker->listener.notice = NULL;
    disconnect(broker);
    questions_free(&broker->questions);
    sd_event_source_disable_unref(broker->teller);
    sd_event_unref(broker->event);
    free(broker);
}
