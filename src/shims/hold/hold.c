#include "internal.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#define EVENTS_AT_ONCE 16
#define SWEEP_MS       60000

const struct hold_limits hold_limits_default = {
    .packets = 40000,
    .bytes = 64u << 20,
    .packets_operation = 16,
    .pends = 16,
    .classify_ms = 5000,
    .pend_ms = 600000,
};

uint64_t hold_now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

void hold_say(struct hold *hold, int priority, const char *format, ...)
{
    char text[512];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    hold->log(hold->log_ctx, priority, text);
}

/* ---- what the kernel side says ---- */

static void add_network(struct hold *hold, const struct ale_ask *ask)
{
    struct shim_error error = {0};

    if (network_add(hold, ask->pid, ask->netns, &error))
        hold_say(hold, LOG_ERR,
                 "nothing can be held in network namespace %u, what would have to wait is dropped "
                 "there: %s",
                 ask->netns, error.text[0] ? error.text : "it is gone");
}

static void on_closed(struct hold *hold, uint64_t cookie)
{
    flow_closed(hold, cookie);
    operation_closed(hold, cookie);
}

static void on_ask(void *ctx, const struct ale_ask *ask)
{
    struct hold *hold = ctx;

    if (ask->kind == ALE_ASK)
        operation_question(hold, ask);
    else if (ask->kind == ALE_ASK_NETWORK)
        add_network(hold, ask);
    else if (ask->kind == ALE_ASK_CLOSED)
        on_closed(hold, ask->key.cookie);
}

static void on_packet(void *ctx, const struct ale_ask_packet *packet)
{
    packet_expect(ctx, packet);
}

static void read_asks(struct hold *hold)
{
    const struct shim_asks_sink sink = {hold, on_ask, on_packet};

    shim_asks_poll(hold->asks, &sink);
}

/* ---- the thread ---- */

static void handle(struct hold *hold, const struct epoll_event *event)
{
    uint64_t what = event->data.u64, count;

    if (what == HOLD_EVENT_WAKE)
        (void)!read(hold->wake, &count, sizeof(count));
    else if (what & HOLD_EVENT_HOST)
        host_ready(hold, (uint32_t)what);
    else if (what & HOLD_EVENT_NETWORK)
        network_ready(hold, (uint32_t)what);
}

/* Questions first: a packet is told of before it comes. */
static uint64_t one_round(struct hold *hold, const struct epoll_event *events, int count,
                          uint64_t scanned)
{
    uint64_t now = hold_now_ms();

    read_asks(hold);
    for (int i = 0; i < count; i++)
        handle(hold, &events[i]);
    host_bury(hold);
    host_try_again(hold);
    operation_tell_new(hold, now);
    if (now - hold->swept >= SWEEP_MS) {
        hold->swept = now;
        network_sweep(hold);
    }
    if (!hold->redirect && now - hold->followed >= HOLD_LED_MS) {
        hold->followed = now;
        network_follow(hold);
    }
    if (now - scanned < HOLD_SCAN_MS)
        return scanned;
    operation_scan(hold, now);
    flow_end_aborted(hold);
    return now;
}

static int patience(const struct hold *hold)
{
    if (hold->untold)
        return 1;
    if (hold->operations || hold->abort_count)
        return HOLD_SCAN_MS;
    if (!hold->redirect && network_any_led(hold))
        return HOLD_LED_MS;
    return hold->networks ? SWEEP_MS : -1;
}

static void *run(void *ctx)
{
    struct hold *hold = ctx;
    struct epoll_event events[EVENTS_AT_ONCE];
    uint64_t scanned = 0;

    pthread_setname_np(pthread_self(), "hold");
    pthread_mutex_lock(&hold->lock);
    while (!hold->stopping) {
        int timeout = patience(hold);

        pthread_mutex_unlock(&hold->lock);
        int count = epoll_wait(hold->epoll, events, EVENTS_AT_ONCE, timeout);
        pthread_mutex_lock(&hold->lock);
        scanned = one_round(hold, events, count, scanned);
    }
    pthread_mutex_unlock(&hold->lock);
    return NULL;
}

/* ---- opening and closing ---- */

static int watch(struct hold *hold, int fd, uint64_t what)
{
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = what};

    return epoll_ctl(hold->epoll, EPOLL_CTL_ADD, fd, &event) ? -errno : 0;
}

static int prepare(struct hold *hold)
{
    int result = 0;

    if (getrandom(&hold->secret, sizeof(hold->secret), 0) != sizeof(hold->secret))
        return -EIO;
    hold->epoll = epoll_create1(EPOLL_CLOEXEC);
    hold->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (hold->epoll < 0 || hold->wake < 0)
        return -errno;
    result = watch(hold, hold->wake, HOLD_EVENT_WAKE);
    if (!result)
        result = watch(hold, shim_asks_fd(hold->asks), HOLD_EVENT_ASKS);
    if (!result)
        result = -pthread_create(&hold->thread, NULL, run, hold);
    hold->started = !result;
    return result;
}

int hold_open(struct shim_asks *asks, const struct hold_limits *limits, hold_log_fn *log,
              void *log_ctx, struct hold **out, struct shim_error *error)
{
    struct hold *hold = calloc(1, sizeof(*hold));
    int result = -ENOMEM;

    *out = NULL;
    if (hold) {
        pthread_mutex_init(&hold->lock, NULL);
        *hold = (struct hold){.lock = hold->lock,
                              .epoll = -1,
                              .wake = -1,
                              .asks = asks,
                              .limits = limits ? *limits : hold_limits_default,
                              .log = log,
                              .log_ctx = log_ctx};
        result = prepare(hold);
    }
    if (!result) {
        *out = hold;
        return 0;
    }
    if (error) {
        error->code = result;
        snprintf(error->text, sizeof(error->text), "can't keep held operations: %s",
                 strerror(-result));
    }
    if (hold) {
        hold->asks = NULL; /* stays the caller's */
        hold_close(hold, true);
    }
    return result;
}

static void stop(struct hold *hold)
{
    uint64_t one = 1;

    if (!hold->started)
        return;
    pthread_mutex_lock(&hold->lock);
    hold->stopping = true;
    pthread_mutex_unlock(&hold->lock);
    (void)!write(hold->wake, &one, sizeof(one));
    pthread_join(hold->thread, NULL);
}

void hold_close(struct hold *hold, bool keep)
{
    if (!hold)
        return;
    stop(hold);
    if (hold->asks)
        operation_release(hold, NULL, keep);
    operation_drop_all(hold);
    while (hold->networks)
        network_remove(hold, hold->networks, keep);
    host_free_all(hold);
    for (unsigned i = 0; i < HOLD_CALLOUTS; i++)
        flow_forget_callout(hold, hold->callouts[i].id);
    if (hold->wake >= 0)
        close(hold->wake);
    if (hold->epoll >= 0)
        close(hold->epoll);
    shim_asks_close(hold->asks);
    pthread_mutex_destroy(&hold->lock);
    free(hold);
}

/* ---- rules ---- */

/* What was held before this process lived is asked about anew; its packets come again. */
static void recover(struct hold *hold)
{
    const struct shim_asks_sink sink = {hold, on_ask, on_packet};

    shim_asks_recover(hold->asks, &sink);
}

static int change_rules(struct hold *hold, struct shim_error *error)
{
    int result = 0;

    if (hold->outbound || hold->inbound)
        result = network_add_all(hold, error);
    else
        network_retire_all(hold);
    recover(hold);
    return result;
}

int hold_enable(struct hold *hold, bool outbound, bool inbound, bool redirect,
                struct shim_error *error)
{
    uint64_t one = 1;
    int result = 0;

    pthread_mutex_lock(&hold->lock);
    if (!hold->enabled || hold->outbound != outbound || hold->inbound != inbound ||
        hold->redirect != redirect) {
        hold->enabled = true;
        hold->outbound = outbound;
        hold->inbound = inbound;
        hold->redirect = redirect;
        result = change_rules(hold, error);
    }
    pthread_mutex_unlock(&hold->lock);
    (void)!write(hold->wake, &one, sizeof(one));
    return result;
}

bool hold_has_led(struct hold *hold)
{
    pthread_mutex_lock(&hold->lock);
    bool led = network_any_led(hold);
    pthread_mutex_unlock(&hold->lock);
    return led;
}

void hold_statistics(struct hold *hold, struct hold_statistics *statistics)
{
    pthread_mutex_lock(&hold->lock);
    *statistics = hold->statistics;
    pthread_mutex_unlock(&hold->lock);
}
