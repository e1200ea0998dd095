/*
 * The hold thread by hand, on a real kernel: a shim with a policy that asks, and one host whose
 * answers are the test's. Commands on stdin; each is answered by one line, "ok …" or "error …",
 * that JSON lines may precede.
 *
 *   open PIN_DIR CGROUP [FLAGS]     asks, hold, and a host for callout 7, HOLD_CALLOUT_*; at first
 *                                   also the shim
 *   commit FILTER…                  LAYER:ACTION[:user], heaviest first; user: callout 7 is asked
 *   enable OUTBOUND INBOUND REDIRECT     0 or 1
 *   said MILLISECONDS               what the host was told since, waiting for the first so long
 *   answer OPERATION ROUND ACTION   | pend OPERATION ROUND MILLISECONDS DEFAULT TOOK_PACKET
 *   redirect OPERATION ROUND ADDRESS PORT PID
 *   complete OPERATION ACTION       ACTION 0: classify again
 *   return OPERATION                the packet that was shown
 *   associate FLOW                  a context at AUTH_CONNECT_V4
 *   abort FLOW
 *   hangup                          the host goes
 *   count                           packets that wait
 *   permitted                       operations that were, since the hold was opened
 *   close KEEP                      hold, with the host and asks; the shim stays open
 */
#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fwps_layers.h>

#include "classify/compile.h"
#include "fwpkclnt/protocol.h"
#include "model/layers.h"
#include "shims/hold/hold.h"

#define WORDS   32
#define CALLOUT 7u
#define SHOWN   64
#define PACKET  2048

static struct shim *shim;
static struct shim_asks *asks;
static struct hold *hold;
static struct shim_error error;
static struct classify_image *image;
static int host = -1;
static uint32_t callout_flags;

static struct shown {
    uint64_t operation;
    uint32_t size;
    uint8_t bytes[PACKET];
} shown[SHOWN];

static void answer(int result)
{
    if (result < 0)
        printf("error %d %s\n", result, error.text);
    else
        printf("ok %d\n", result);
}

static void log_line(void *ctx, int priority, const char *text)
{
    fprintf(stderr, "%s\n", text);
}

static int open_host(void)
{
    uint32_t number;
    int ends[2], result;

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends))
        return -1;
    host = ends[0];
    result = hold_host_add(hold, ends[1], NULL, NULL, &number);
    return result ? result : hold_callout_add(hold, CALLOUT, number, callout_flags);
}

static int do_open(char **words)
{
    struct shim_options options = {
        .scope = SHIM_SCOPE_CGROUP, .pin_dir = words[0], .cgroup = words[1]};
    callout_flags = words[2] ? (uint32_t)atoi(words[2]) : 0;
    int result = shim ? 0 : shim_open(&options, &shim, &error);

    if (!result)
        result = shim_asks_open(shim, &asks, &error);
    if (!result)
        result = hold_open(asks, NULL, log_line, NULL, &hold, &error);
    return result ? result : open_host();
}

static uint32_t no_app(void *ctx, const char *path)
{
    return 0;
}

static int do_commit(char **words, int count)
{
    const struct classify_intern intern = {NULL, no_app};
    FWPM_FILTER0 filters[WORDS] = {0};
    struct model_view_filter view[WORDS] = {0};
    struct classify_image *made = NULL;
    struct model_error why = {0};

    for (int i = 0; i < count; i++) {
        unsigned layer = 0, action = 0;

        sscanf(words[i], "%u:%x", &layer, &action);
        filters[i].layerKey = layer_by_id((uint16_t)layer)->key;
        filters[i].action.type = action;
        filters[i].filterId = (unsigned)i + 1;
        view[i] = (struct model_view_filter){.filter = &filters[i],
                                             .weight = UINT64_MAX - (unsigned)i,
                                             .callout_id = CALLOUT,
                                             .callout_slot = strstr(words[i], ":user")
                                                                 ? CLASSIFY_USER_CALLOUT
                                                                 : MODEL_CALLOUT_UNREGISTERED};
    }
    if (classify_compile(view, (size_t)count, &intern, &made, &why))
        return -1;
    int result = shim_commit(shim, made, &error);
    classify_image_free(image);
    image = made;
    return result;
}

/* ---- the host ---- */

static void show_classify(const struct driver_classify *message)
{
    struct shown *place = &shown[message->header.operation % SHOWN];

    place->operation = message->header.operation;
    place->size = message->packet_size < PACKET ? message->packet_size : 0;
    memcpy(place->bytes, message + 1, place->size);
    printf("{\"kind\":\"classify\",\"operation\":%llu,\"round\":%u,\"flags\":%u,\"layer\":%u,"
           "\"hold\":%u,\"fields_flags\":%llu,\"reason\":%llu,\"packet\":%u,\"flow\":%llu,"
           "\"app\":\"%s\"}\n",
           (unsigned long long)message->header.operation, message->round, message->flags,
           message->ask.layer, message->ask.hold,
           (unsigned long long)message->ask.fields.value[CLASSIFY_FLAGS],
           (unsigned long long)message->ask.fields.value[CLASSIFY_REAUTHORIZE_REASON],
           message->packet_size, (unsigned long long)message->ask.key.cookie, message->app);
}

static int show_one(void)
{
    static uint64_t buffer[16384];
    const struct driver_header *header = (const void *)buffer;
    const struct driver_decided *decided = (const void *)buffer;

    if (recv(host, buffer, sizeof(buffer), MSG_DONTWAIT) <= 0)
        return 0;
    if (header->kind == DRIVER_CLASSIFY)
        show_classify((const void *)buffer);
    else if (header->kind == DRIVER_DECIDED)
        printf("{\"kind\":\"decided\",\"operation\":%llu,\"permitted\":%u,\"timed_out\":%u}\n",
               (unsigned long long)header->operation, decided->permitted, decided->timed_out);
    else if (header->kind == DRIVER_FLOW_DELETE)
        printf("{\"kind\":\"deleted\"}\n");
    return 1;
}

static int do_said(int milliseconds)
{
    struct pollfd fd = {host, POLLIN, 0};
    int count = 0;

    poll(&fd, 1, milliseconds);
    while (show_one())
        count++;
    return count;
}

static int say(const void *message, size_t size)
{
    return send(host, message, size, MSG_NOSIGNAL) < 0 ? -1 : 0;
}

static int do_answer(char **words, int count, bool pended)
{
    struct driver_answer message = {
        .header = {DRIVER_ANSWER, sizeof(message), strtoull(words[0], NULL, 10)},
        .round = (uint32_t)atoi(words[1]),
        .rights = 1,
        .pended = pended,
    };

    if (pended) {
        message.deadline_ms = (uint32_t)atoi(words[2]);
        message.default_action = (uint32_t)strtoul(words[3], NULL, 16);
        message.took_packet = count > 4 && atoi(words[4]);
    } else {
        message.action = (uint32_t)strtoul(words[2], NULL, 16);
    }
    return say(&message, sizeof(message));
}

static int do_redirect(char **words)
{
    struct driver_answer message = {
        .header = {DRIVER_ANSWER, sizeof(message), strtoull(words[0], NULL, 10)},
        .round = (uint32_t)atoi(words[1]),
        .action = 0x1002,
        .rights = 1,
        .redirect = {.redirected = 1,
                     .port = (uint16_t)atoi(words[3]),
                     .target_pid = (uint32_t)atoi(words[4])},
    };

    if (inet_pton(AF_INET6, words[2], message.redirect.address) != 1)
        return -1;
    return say(&message, sizeof(message));
}

static int do_complete(char **words)
{
    struct driver_complete message = {
        .header = {DRIVER_COMPLETE, sizeof(message), strtoull(words[0], NULL, 10)},
        .action = (uint32_t)strtoul(words[1], NULL, 16),
    };

    return say(&message, sizeof(message));
}

static int do_return(char **words)
{
    uint64_t operation = strtoull(words[0], NULL, 10);
    const struct shown *place = &shown[operation % SHOWN];
    uint8_t buffer[sizeof(struct driver_packet) + PACKET];
    struct driver_packet message = {
        .header = {DRIVER_PACKET, (uint32_t)sizeof(message) + place->size, operation},
        .packet_size = place->size,
    };

    if (place->operation != operation || !place->size)
        return -1;
    memcpy(buffer, &message, sizeof(message));
    memcpy(buffer + sizeof(message), place->bytes, place->size);
    return say(buffer, message.header.size);
}

static int do_associate(char **words)
{
    struct driver_flow_associate message = {.header = {DRIVER_FLOW_ASSOCIATE, sizeof(message), 0},
                                            .flow = strtoull(words[0], NULL, 10),
                                            .context = 1,
                                            .callout_id = CALLOUT,
                                            .layer = FWPS_LAYER_ALE_AUTH_CONNECT_V4};

    return say(&message, sizeof(message));
}

static int do_abort(char **words)
{
    struct driver_flow_abort message = {.header = {DRIVER_FLOW_ABORT, sizeof(message), 0},
                                        .flow = strtoull(words[0], NULL, 10)};

    return say(&message, sizeof(message));
}

static int do_hangup(void)
{
    if (host >= 0)
        close(host);
    host = -1;
    return 0;
}

static struct hold_statistics counted(void)
{
    struct hold_statistics statistics;

    hold_statistics(hold, &statistics);
    return statistics;
}

static int do_close(bool keep)
{
    hold_close(hold, keep);
    hold = NULL;
    return do_hangup();
}

static void obey(char **words, int count)
{
    const char *command = words[0];

    memset(&error, 0, sizeof(error));
    if (!strcmp(command, "open"))
        answer(do_open(words + 1));
    else if (!strcmp(command, "commit"))
        answer(do_commit(words + 1, count - 1));
    else if (!strcmp(command, "enable"))
        answer(hold_enable(hold, atoi(words[1]), atoi(words[2]), atoi(words[3]), &error));
    else if (!strcmp(command, "said"))
        answer(do_said(atoi(words[1])));
    else if (!strcmp(command, "answer") || !strcmp(command, "pend"))
        answer(do_answer(words + 1, count - 1, *command == 'p'));
    else if (!strcmp(command, "redirect"))
        answer(do_redirect(words + 1));
    else if (!strcmp(command, "complete"))
        answer(do_complete(words + 1));
    else if (!strcmp(command, "associate"))
        answer(do_associate(words + 1));
    else if (!strcmp(command, "abort"))
        answer(do_abort(words + 1));
    else if (!strcmp(command, "return"))
        answer(do_return(words + 1));
    else if (!strcmp(command, "hangup"))
        answer(do_hangup());
    else if (!strcmp(command, "count"))
        answer((int)counted().packets);
    else if (!strcmp(command, "permitted"))
        answer((int)counted().permitted);
    else if (!strcmp(command, "remove"))
        answer(shim_remove(words[1], &error));
    else if (!strcmp(command, "poll"))
        answer(shim_poll(shim, NULL, NULL));
    else if (!strcmp(command, "close"))
        answer(do_close(atoi(words[1])));
    else
        printf("error 0 no such command\n");
}

int main(void)
{
    char line[4096], *words[WORDS];

    setlinebuf(stdout);
    while (fgets(line, sizeof(line), stdin)) {
        int count = 0;

        for (char *word = strtok(line, " \n"); word && count < WORDS - 1;
             word = strtok(NULL, " \n"))
            words[count++] = word;
        words[count] = NULL;
        if (count)
            obey(words, count);
    }
    hold_close(hold, false);
    shim_close(shim);
    return 0;
}
