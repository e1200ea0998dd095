/*
 * The input is a packet of a hostile peer or program, and one that a hostile driver gives back in
 * its place: a byte says how long the first is. Each lies in memory of just its size.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "fake.h"
#include "fwpkclnt/headers.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void measure(const uint8_t *bytes, uint32_t size)
{
    static const uint8_t protocols[] = {IPPROTO_TCP, IPPROTO_UDP, IPPROTO_UDPLITE, IPPROTO_ICMP};

    for (unsigned i = 0; i < sizeof(protocols); i++) {
        uint32_t ip, transport;

        headers_measure(bytes, size, protocols[i], &ip, &transport);
        if (ip > size || transport > size - ip)
            abort();
    }
}

static void compare(struct packet *first, const uint8_t *bytes, uint32_t size)
{
    struct operation operation = {.first = first};
    bool like = packet_is_like_first(&operation, bytes, size);

    if (like && bytes[0] >> 4 != first->bytes[0] >> 4)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t length = size ? data[0] : 0;

    if (length < 1 || size < 1 + length || size > 4096)
        return 0;
    uint32_t rest = (uint32_t)(size - 1 - length);
    struct packet *first = malloc(sizeof(*first) + length);
    uint8_t *returned = malloc(rest ? rest : 1);
    if (!first || !returned)
        abort();
    *first = (struct packet){.size = (uint32_t)length};
    memcpy(first->bytes, data + 1, length);
    memcpy(returned, data + 1 + length, rest);
    measure(first->bytes, first->size);
    measure(returned, rest);
    compare(first, returned, rest);
    free(returned);
    free(first);
    return 0;
}
