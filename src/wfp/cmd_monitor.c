/* wfp monitor: events as they come, one a line. */
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/wfp/arena.h"
#include "src/wfp/cli.h"
#include "src/wfp/describe.h"
#include "src/wfp/engine.h"
#include "src/wfp/event.h"
#include "src/wfp/filter_names.h"
#include "src/wfp/json.h"
#include "src/wfp/layer_option.h"
#include "src/wfp/policy/values.h"
#include "src/wfp/utf8.h"

#define QUEUE 8192u /* events waiting to be printed; more are counted as lost */

struct monitor {
    struct cli *cli;
    UINT32 collect;
    const char *app, *layer;
    uint64_t count; /* stop after so many; 0: never */
    HANDLE engine;
    struct filter_names *filters;
    uint64_t printed;
    /* between the library's thread and ours */
    pthread_mutex_t lock;
    struct event *queue;
    unsigned first, waiting;
    uint64_t lost;
    bool gone;
};

static volatile sig_atomic_t stop;
static sem_t wake; /* something to look at: an event, or stop */

static void on_signal(int number)
{
    stop = 1;
    sem_post(&wake);
}

/* In the library's thread: never waits for the terminal. No event: bfe is gone. */
static void CALLBACK on_event(void *context, const OPENWFP_NET_EVENT *net)
{
    struct monitor *monitor = context;
    pthread_mutex_lock(&monitor->lock);
    if (net == NULL) {
        monitor->gone = true;
        sem_post(&wake);
    } else if (monitor->waiting == QUEUE) {
        monitor->lost += 1 + net->lost;
    } else {
        event_read(&monitor->queue[(monitor->first + monitor->waiting++) % QUEUE], net);
        sem_post(&wake);
    }
    pthread_mutex_unlock(&monitor->lock);
}

/* Waits for an event, a signal or bfe's end. */
static bool take_event(struct monitor *monitor, struct event *event, bool *gone)
{
    sem_wait(&wake);
    pthread_mutex_lock(&monitor->lock);
    bool taken = monitor->waiting > 0;
    *gone = monitor->gone;
    if (taken) {
        *event = monitor->queue[monitor->first];
        event->lost += monitor->lost;
        monitor->lost = 0;
        monitor->first = (monitor->first + 1) % QUEUE;
        monitor->waiting--;
    }
    pthread_mutex_unlock(&monitor->lock);
    return taken;
}

static bool wanted(const struct monitor *monitor, const struct event *event, const char *layer)
{
    if (monitor->app != NULL && strcmp(monitor->app, event->app) != 0 &&
        strcmp(monitor->app, event->comm) != 0)
        return false;
    return layer_is_wanted(monitor->layer, layer);
}

static const char *verdict_colour(const struct cli *cli, const struct event *event)
{
    if (!cli->colour)
        return "";
    return event->blocked ? "\033[31m" : "\033[32m";
}

/* "10.0.0.1:4000 -> 10.0.0.2:80"; an end that nothing is known of is left out. */
static const char *ends_text(struct arena *arena, const struct event *event)
{
    const char *local = event_local(arena, event), *remote = event_remote(arena, event);
    if (*remote == '-' || *remote == '*')
        return local;
    return arena_printf(arena, "%s%s%s %s", *local == '-' ? "" : local, *local == '-' ? "" : " ",
                        event->inbound ? "<-" : "->", remote);
}

static const char *event_line(const struct event *event, const struct event_words *words,
                              const char *layer)
{
    struct arena *arena = words->arena;
    const char *name = words->filter_name;
    const char *filter = "no filter";
    if (event->filter != 0)
        filter = arena_printf(arena, "filter %llu%s%s", (unsigned long long)event->filter,
                              *name == '\0' ? "" : ": ", name);
    return arena_printf(arena, "%-14s %-6s %s[%u] %s  %s  %s", layer, event_protocol(arena, event),
                        event_program(arena, event), event->pid, event_user(arena, event->uid),
                        ends_text(arena, event), filter);
}

static void print_text(const struct cli *cli, const struct event *event,
                       const struct event_words *words, const char *layer)
{
    if (event->lost > 0)
        printf("(%llu events were lost)\n", (unsigned long long)event->lost);
    printf("%.12s  %s%-6s%s  ", words->time + 11, verdict_colour(cli, event), event_verdict(event),
           cli->colour ? "\033[0m" : "");
    print_clean(stdout, event_line(event, words, layer));
    putchar('\n');
    fflush(stdout);
}

static void print_event(struct monitor *monitor, const struct event *event)
{
    struct arena *arena = arena_new();
    struct json json = {stdout, false};
    const char *layer = describe_layer_id(arena, event->layer);
    if (wanted(monitor, event, layer)) {
        struct event_words words = {arena, filetime_text(arena, event->time),
                                    filter_names_get(monitor->filters, event->filter)};
        if (monitor->cli->json) {
            event_json(event, &words, &json);
            json_end(&json);
        } else {
            print_text(monitor->cli, event, &words, layer);
        }
        monitor->printed++;
    }
    arena_free(arena);
}

static int follow(struct monitor *monitor)
{
    struct event event;
    bool gone = false;
    while (!stop && (monitor->count == 0 || monitor->printed < monitor->count)) {
        if (take_event(monitor, &event, &gone)) {
            print_event(monitor, &event);
            if (ferror(stdout))
                return EXIT_FAILED;
        } else if (gone && !stop) {
            return engine_fail(monitor->cli, RPC_S_SERVER_UNAVAILABLE, "the events end here");
        }
    }
    return EXIT_DONE;
}

static int subscribe(struct monitor *monitor)
{
    FWPM_NET_EVENT_SUBSCRIPTION0 subscription = {0};
    HANDLE events;
    DWORD code = OpenWfpCollect(monitor->engine, monitor->collect);
    if (code == ERROR_SUCCESS)
        code = OpenWfpNetEventSubscribe(monitor->engine, &subscription, on_event, monitor, &events);
    if (code != ERROR_SUCCESS)
        return engine_fail(monitor->cli, code, "can't subscribe to events");
    fputs("following events; Ctrl-C ends\n", stderr);
    int result = follow(monitor);
    FwpmNetEventUnsubscribe0(monitor->engine, events);
    return result;
}

static int parse(struct monitor *monitor)
{
    struct cli *cli = monitor->cli;
    bool all = cli_flag(cli, "--all"), drops = cli_flag(cli, "--drops");
    bool flows = cli_flag(cli, "--flows");
    const char *count = cli_option(cli, "--count");
    monitor->app = cli_option(cli, "--app");
    if (!layer_option(cli, &monitor->layer) || !cli_arguments(cli, 0, 0))
        return EXIT_USAGE;
    if (count != NULL && !number_parse(count, UINT64_MAX, &monitor->count))
        return cli_usage(cli, "--count takes a number, not %s", count);
    monitor->collect = OPENWFP_COLLECT_DROPS;
    if (!drops)
        monitor->collect |= OPENWFP_COLLECT_ALLOWS;
    if (all || flows)
        monitor->collect |= OPENWFP_COLLECT_LIFECYCLES;
    if (all)
        monitor->collect |= OPENWFP_COLLECT_ALL;
    return EXIT_DONE;
}

static void prepare(struct monitor *monitor)
{
    struct sigaction action = {.sa_handler = on_signal};
    pthread_mutex_init(&monitor->lock, NULL);
    sem_init(&wake, 0, 0);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    monitor->queue = arena_alloc(monitor->cli->arena, QUEUE * sizeof(struct event));
    monitor->filters = arena_alloc(monitor->cli->arena, sizeof(struct filter_names));
}

int command_monitor(struct cli *cli)
{
    struct monitor monitor = {.cli = cli};
    int result = parse(&monitor);
    if (result != EXIT_DONE)
        return result;
    prepare(&monitor);
    result = engine_open(cli, 0, &monitor.engine);
    if (result != EXIT_DONE)
        return result;
    monitor.filters->engine = monitor.engine;
    result = subscribe(&monitor);
    FwpmEngineClose0(monitor.engine);
    return result;
}
