/*
 * bfe without the kernel, in which this program plays the thread that holds operations: a line of
 * its standard input is an operation that is held, or one that ended, and what the broker says to
 * it is a line of standard output.
 *
 *     ask OPERATION LAYER-ID FILTER PID START-TIME UID PROTOCOL ADDRESS PORT CONTEXT PROGRAM
 *     decided OPERATION PERMITTED TIMED-OUT
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include <fwpsu.h>

#include "bfe/listen.h"
#include "bfe/log.h"
#include "bfe/service.h"
#include "fwpkclnt/protocol.h"

static int thread_end = -1;

static void put_address(const char *text, uint8_t address[16])
{
    memcpy(address, (const uint8_t[16]){[10] = 0xff, 0xff}, 16);
    if (inet_pton(AF_INET, text, address + 12) != 1)
        inet_pton(AF_INET6, text, address);
}

static void on_ask(const char *line)
{
    struct driver_classify classify = {.header.kind = DRIVER_CLASSIFY,
                                       .header.size = sizeof(classify),
                                       .round = 1,
                                       .flags = DRIVER_CAN_PEND};
    struct ale_ask *ask = &classify.ask;
    unsigned long long operation, filter, start, context;
    unsigned layer, pid, uid, protocol, port;
    char address[64];

    if (sscanf(line, "ask %llu %u %llu %u %llu %u %u %63s %u %llu %255s", &operation, &layer,
               &filter, &pid, &start, &uid, &protocol, address, &port, &context,
               classify.app) != 11)
        return;
    classify.header.operation = ask->operation = operation;
    ask->layer = (uint16_t)layer;
    ask->family = strchr(address, ':') ? 6 : 4;
    ask->filter_id = filter;
    ask->filter_context = context;
    ask->pid = pid;
    ask->start_time = start;
    ask->uid = uid;
    ask->key.protocol = (uint8_t)protocol;
    ask->remote_port = ask->local_port = (uint16_t)port;
    put_address(address, ask->remote);
    memcpy(ask->local, ask->remote, sizeof(ask->local));
    snprintf(ask->comm, sizeof(ask->comm), "%.15s", strrchr(classify.app, '/') + 1);
    send(thread_end, &classify, sizeof(classify), 0);
}

static void on_decided(const char *line)
{
    struct driver_decided decided = {.header.kind = DRIVER_DECIDED, .header.size = sizeof(decided)};
    unsigned long long operation;

    if (sscanf(line, "decided %llu %u %u", &operation, &decided.permitted, &decided.timed_out) != 3)
        return;
    decided.header.operation = operation;
    send(thread_end, &decided, sizeof(decided), 0);
}

static int on_line(sd_event_source *source, int fd, uint32_t events, void *ctx)
{
    char line[1024];

    if (!fgets(line, sizeof(line), stdin))
        return sd_event_exit(sd_event_source_get_event(source), 0);
    if (!strncmp(line, "ask ", 4))
        on_ask(line);
    else
        on_decided(line);
    return 0;
}

static int on_message(sd_event_source *source, int fd, uint32_t events, void *ctx)
{
    union {
        struct driver_header header;
        struct driver_answer answer;
        struct driver_complete complete;
    } message;

    if (recv(fd, &message, sizeof(message), MSG_DONTWAIT) <= 0)
        return 0;
    if (message.header.kind == DRIVER_ANSWER)
        printf("answer %llu %s\n", (unsigned long long)message.header.operation,
               message.answer.pended ? "pended" : "at once");
    else
        printf("complete %llu %s\n", (unsigned long long)message.header.operation,
               message.complete.action == FWP_ACTION_PERMIT ? "permit" : "block");
    fflush(stdout);
    return 0;
}

static int serve(struct service *service, sd_event *event, struct listener *listener)
{
    int pair[2];

    setvbuf(stdin, NULL, _IONBF, 0); /* so that no line waits unseen */
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
        return 1;
    thread_end = pair[0];
    if (broker_serve(service->broker, pair[1]) < 0 ||
        sd_event_add_io(event, NULL, 0, EPOLLIN, on_line, service) < 0 ||
        sd_event_add_io(event, NULL, thread_end, EPOLLIN, on_message, service) < 0 ||
        listener_open(listener, service->options->socket) < 0 ||
        server_open(&service->server, service, listener->fd) < 0)
        return 1;
    return sd_event_loop(event);
}

int main(int argc, char **argv)
{
    struct listener listener = {.fd = -1, .lock = -1};
    struct bfe_options options;
    struct service service;
    sd_event *event = NULL;
    int code = bfe_options_parse(&options, argc, argv);

    if (code >= 0)
        return code;
    log_open(options.log);
    if (sd_event_default(&event) < 0)
        return 1;
    code = service_open(&service, &options, event);
    if (code < 0)
        code = serve(&service, event, &listener);
    service_close(&service);
    listener_close(&listener);
    bfe_options_free(&options);
    sd_event_unref(event);
    return code;
}
