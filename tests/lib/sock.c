/* The steps' loop, and what the step files share. */
#include "sock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void die(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    fputs("sock: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    exit(2);
}

static in_port_t parse_port(const char *text)
{
    char *end;
    unsigned long port = strtoul(text, &end, 10);

    if (*text == '\0' || *end != '\0' || port > 65535)
        die("bad port \"%s\"", text);
    return htons((in_port_t)port);
}

socklen_t endpoint_parse(const char *text, union endpoint *endpoint)
{
    char host[64], scope[IF_NAMESIZE] = "", port[8] = "";

    memset(endpoint, 0, sizeof(*endpoint));
    if (sscanf(text, "[%63[^]%%]%%%15[^]]]:%7s", host, scope, port) == 3 ||
        sscanf(text, "[%63[^]]]:%7s", host, port) == 2) {
        endpoint->v6.sin6_family = AF_INET6;
        endpoint->v6.sin6_port = parse_port(port);
        endpoint->v6.sin6_scope_id = scope[0] ? if_nametoindex(scope) : 0;
        if (inet_pton(AF_INET6, host, &endpoint->v6.sin6_addr) == 1)
            return sizeof(endpoint->v6);
    } else if (sscanf(text, "%63[^:]:%7s", host, port) == 2) {
        endpoint->v4.sin_family = AF_INET;
        endpoint->v4.sin_port = parse_port(port);
        if (inet_pton(AF_INET, host, &endpoint->v4.sin_addr) == 1)
            return sizeof(endpoint->v4);
    }
    die("bad address \"%s\": 192.0.2.1:80 or [2001:db8::1]:80", text);
}

static uint16_t checksum(const unsigned char *data, size_t size)
{
    uint32_t sum = 0;

    for (size_t i = 0; i + 1 < size; i += 2)
        sum += (uint32_t)data[i] << 8 | data[i + 1];
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

size_t message_make(const struct run *run, char *buffer, size_t size)
{
    unsigned char echo[16] = {8, 0, 0, 0, 0x12, 0x34, 0, 1};

    memset(buffer, 0, size);
    if (run->protocol != IPPROTO_ICMP && run->protocol != IPPROTO_ICMPV6) {
        memcpy(buffer, "hello", 5);
        return 5;
    }
    if (run->protocol == IPPROTO_ICMPV6) {
        echo[0] = 128; /* the kernel does the checksum */
    } else {
        uint16_t sum = checksum(echo, sizeof(echo));
        echo[2] = (unsigned char)(sum >> 8);
        echo[3] = (unsigned char)sum;
    }
    memcpy(buffer, echo, sizeof(echo));
    return sizeof(echo);
}

static const struct step *step_find(const char *word, size_t length)
{
    const struct step *const tables[] = {socket_steps, process_steps, uring_steps};

    for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
        for (const struct step *step = tables[i]; step->name; step++) {
            if (strlen(step->name) == length && !strncmp(step->name, word, length))
                return step;
        }
    }
    die("no step \"%s\"", word);
}

static void step_run(struct run *run, const char *word)
{
    size_t length = strcspn(word, "=");
    const struct step *step = step_find(word, length);
    const char *value = word[length] ? word + length + 1 : "";

    errno = 0;
    int result = step->run(run, value);
    printf("%s %s\n", step->name, result < 0 ? strerrorname_np(errno) : "ok");
    fflush(stdout);
}

int main(int argc, char **argv)
{
    const char *inherited = getenv("SOCK_FD");
    struct run run = {.fd = inherited ? atoi(inherited) : -1, .next = argv + 1};

    if (argc < 2)
        die("usage: sock STEP[=VALUE]...");
    if (inherited) {
        socklen_t length = sizeof(int);
        getsockopt(run.fd, SOL_SOCKET, SO_TYPE, &run.type, &length);
        getsockopt(run.fd, SOL_SOCKET, SO_PROTOCOL, &run.protocol, &length);
        unsetenv("SOCK_FD");
    }
    signal(SIGPIPE, SIG_IGN);
    while (*run.next)
        step_run(&run, *run.next++);
    return 0;
}
