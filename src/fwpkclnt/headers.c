#include "fwpkclnt/headers.h"

#include <netinet/in.h>

#define IPV6_HEADER  40u
#define UDP_HEADER   8u
#define TCP_MINIMUM  20u
#define IPV4_MINIMUM 20u

static uint32_t ipv4_length(const uint8_t *bytes, uint32_t size)
{
    uint32_t length = size >= IPV4_MINIMUM ? (bytes[0] & 0xfu) * 4 : 0;

    return length >= IPV4_MINIMUM && length <= size ? length : 0;
}

static int is_extension(uint8_t next)
{
    return next == IPPROTO_HOPOPTS || next == IPPROTO_ROUTING || next == IPPROTO_DSTOPTS ||
           next == IPPROTO_FRAGMENT;
}

/* With the extension headers in front of the transport header. */
static uint32_t ipv6_length(const uint8_t *bytes, uint32_t size)
{
    uint32_t length = IPV6_HEADER;
    uint8_t next = size >= IPV6_HEADER ? bytes[6] : 0;

    if (size < IPV6_HEADER)
        return 0;
    while (is_extension(next)) {
        uint32_t at = length;

        if (size - at < 8)
            return 0;
        length += next == IPPROTO_FRAGMENT ? 8 : (bytes[at + 1] + 1u) * 8;
        if (length > size)
            return 0;
        next = bytes[at];
    }
    return length;
}

static uint32_t transport_length(const uint8_t *bytes, uint32_t size, uint8_t protocol)
{
    if (protocol == IPPROTO_UDP || protocol == IPPROTO_UDPLITE)
        return UDP_HEADER;
    if (protocol == IPPROTO_TCP)
        return size >= TCP_MINIMUM ? (bytes[12] >> 4) * 4u : TCP_MINIMUM;
    return 0;
}

void headers_measure(const uint8_t *bytes, uint32_t size, uint8_t protocol, uint32_t *ip,
                     uint32_t *transport)
{
    uint8_t version = size ? bytes[0] >> 4 : 0;

    *transport = 0;
    *ip = version == 4 ? ipv4_length(bytes, size) : version == 6 ? ipv6_length(bytes, size) : 0;
    if (*ip)
        *transport = transport_length(bytes + *ip, size - *ip, protocol);
    if (*transport > size - *ip)
        *ip = *transport = 0;
}
