/* Packets that wait: whose they are, and their verdicts. */
#include "internal.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#define EXTENSION_HEADERS 6
#define COMPLAIN_MS       1000u

/* ---- whose ---- */

static void address_from_v4(uint8_t to[16], const void *v4)
{
    memset(to, 0, 10);
    to[10] = to[11] = 0xff;
    memcpy(to + 12, v4, 4);
}

static bool is_extension(uint8_t next)
{
    return next == IPPROTO_HOPOPTS || next == IPPROTO_ROUTING || next == IPPROTO_DSTOPTS;
}

/* Where the transport header is; 0: nowhere. */
static uint32_t read_v4(const uint8_t *bytes, uint32_t size, struct ale_ask_packet *ends)
{
    struct iphdr header;

    if (size < sizeof(header))
        return 0;
    memcpy(&header, bytes, sizeof(header));
    ends->protocol = header.protocol;
    address_from_v4(ends->source, &header.saddr);
    address_from_v4(ends->destination, &header.daddr);
    return header.ihl * 4u;
}

static uint32_t read_v6(const uint8_t *bytes, uint32_t size, struct ale_ask_packet *ends)
{
    struct ip6_hdr header;
    uint32_t offset = sizeof(header);

    if (size < sizeof(header))
        return 0;
    memcpy(&header, bytes, sizeof(header));
    memcpy(ends->source, &header.ip6_src, 16);
    memcpy(ends->destination, &header.ip6_dst, 16);
    ends->protocol = header.ip6_nxt;
    for (int i = 0; i < EXTENSION_HEADERS && is_extension(ends->protocol); i++) {
        if (size < offset + 8)
            return 0;
        ends->protocol = bytes[offset];
        offset += (bytes[offset + 1] + 1u) * 8;
    }
    return offset;
}

/* False: it can't be read. */
static bool read_ends(const uint8_t *bytes, uint32_t size, uint32_t netns,
                      struct ale_ask_packet *ends)
{
    uint16_t ports[2];
    uint32_t transport;

    memset(ends, 0, sizeof(*ends));
    if (!size)
        return false;
    transport = bytes[0] >> 4 == 4 ? read_v4(bytes, size, ends) : read_v6(bytes, size, ends);
    if (!transport || size < transport + sizeof(ports))
        return false;
    memcpy(ports, bytes + transport, sizeof(ports));
    ends->source_port = ntohs(ports[0]);
    ends->destination_port = ntohs(ports[1]);
    ends->netns = netns;
    return true;
}

static bool same_ends(const struct ale_ask_packet *a, const struct ale_ask_packet *b)
{
    return a->netns == b->netns && a->protocol == b->protocol && a->source_port == b->source_port &&
           a->destination_port == b->destination_port && !memcmp(a->source, b->source, 16) &&
           !memcmp(a->destination, b->destination, 16);
}

static bool has_ports(uint8_t protocol)
{
    return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP || protocol == IPPROTO_SCTP ||
           protocol == IPPROTO_UDPLITE;
}

/* What its header says of its own size is so; the kernel's IP layer believes it. */
static bool is_sound(const uint8_t *bytes, uint32_t size)
{
    struct ip6_hdr v6;
    struct iphdr v4;

    if (size >= sizeof(v6) && bytes[0] >> 4 == 6) {
        memcpy(&v6, bytes, sizeof(v6));
        return ntohs(v6.ip6_plen) == size - sizeof(v6);
    }
    if (size < sizeof(v4) || bytes[0] >> 4 != 4)
        return false;
    memcpy(&v4, bytes, sizeof(v4));
    return v4.ihl * 4u >= sizeof(v4) && v4.ihl * 4u <= size && ntohs(v4.tot_len) == size;
}

bool packet_is_like_first(const struct operation *operation, const uint8_t *bytes, uint32_t size)
{
    const struct packet *first = operation->first;
    struct ale_ask_packet was, is;

    if (!first || !is_sound(bytes, size) || bytes[0] >> 4 != first->bytes[0] >> 4 ||
        !read_ends(bytes, size, 0, &is) || !read_ends(first->bytes, first->size, 0, &was))
        return false;
    if (!has_ports(was.protocol)) { /* they were something else */
        is.source_port = was.source_port;
        is.destination_port = was.destination_port;
    }
    return same_ends(&is, &was);
}

static uint64_t mix(uint64_t hash, const void *bytes)
{
    uint64_t word;

    memcpy(&word, bytes, sizeof(word));
    hash = (hash ^ word) * 0x9e3779b97f4a7c15u;
    return hash ^ hash >> 29;
}

static struct operation **ends_bucket(struct hold *hold, const struct ale_ask_packet *ends)
{
    uint64_t last =
        (uint64_t)ends->netns << 32 | (uint32_t)ends->source_port << 16 | ends->destination_port;
    uint64_t hash = hold->secret;

    hash = mix(mix(hash, ends->source), ends->source + 8);
    hash = mix(mix(hash, ends->destination), ends->destination + 8);
    return &hold->ends[mix(hash, &last) % HOLD_BUCKETS];
}

void packet_unexpect(struct hold *hold, struct operation *operation)
{
    struct operation **link = ends_bucket(hold, &operation->ends);

    if (!operation->ends.kind)
        return;
    while (*link != operation)
        link = &(*link)->next_in_ends;
    *link = operation->next_in_ends;
    operation->ends.kind = 0;
}

void packet_expect(struct hold *hold, const struct ale_ask_packet *told)
{
    struct operation *operation = operation_find(hold, told->operation), **bucket;

    if (!operation || (operation->ends.kind && same_ends(&operation->ends, told)))
        return;
    packet_unexpect(hold, operation);
    operation->ends = *told;
    bucket = ends_bucket(hold, told);
    operation->next_in_ends = *bucket;
    *bucket = operation;
}

static struct operation *find_by_ends(struct hold *hold, const struct ale_ask_packet *ends)
{
    struct operation *operation = *ends_bucket(hold, ends);

    while (operation && !same_ends(&operation->ends, ends))
        operation = operation->next_in_ends;
    return operation;
}

/* ---- room ---- */

#define ROOMS 3

/* Whose room a packet takes, and which part of it all, in quarters; returns how many. */
static unsigned rooms_of(struct hold *hold, const struct operation *operation,
                         struct room *rooms[ROOMS], unsigned quarters[ROOMS])
{
    uint32_t uid = operation->ask.uid;

    rooms[0] = &hold->app_rooms[operation->ask.app % ALE_APPS];
    quarters[0] = 2;
    if (!uid)
        return 1;
    rooms[1] = &hold->user_rooms[uid % ALE_USER_SLOTS];
    quarters[1] = 1;
    rooms[2] = &hold->user_rooms[ALE_USER_SLOTS];
    quarters[2] = 3;
    return ROOMS;
}

static void take_room(struct hold *hold, const struct operation *operation, int packets,
                      int64_t bytes)
{
    struct room *rooms[ROOMS];
    unsigned quarters[ROOMS], count = rooms_of(hold, operation, rooms, quarters);

    hold->statistics.packets += (uint64_t)packets;
    hold->statistics.bytes += (uint64_t)bytes;
    for (unsigned i = 0; i < count; i++) {
        rooms[i]->packets += (uint32_t)packets;
        rooms[i]->bytes += (uint64_t)bytes;
    }
}

static bool has_room(struct hold *hold, const struct operation *operation, uint32_t size)
{
    const struct hold_limits *limits = &hold->limits;
    struct room *rooms[ROOMS];
    unsigned quarters[ROOMS], count = rooms_of(hold, operation, rooms, quarters);
    bool room = operation->packets < limits->packets_operation &&
                hold->statistics.packets < limits->packets &&
                hold->statistics.bytes + size <= limits->bytes;

    for (unsigned i = 0; i < count; i++)
        room = room && rooms[i]->packets < limits->packets / 4 * quarters[i] &&
               rooms[i]->bytes + size <= limits->bytes / 4 * quarters[i];
    return room;
}

static void refuse(struct hold *hold, const struct packet *packet)
{
    uint64_t now = hold_now_ms();

    network_verdict(packet, NF_DROP, NULL, 0);
    hold->statistics.refused++;
    if (now - hold->complained < COMPLAIN_MS)
        return;
    hold->complained = now;
    hold_say(hold, LOG_WARNING,
             "no room for more packets that wait (%llu of %u, %llu bytes): some were dropped; "
             "is somebody there to answer?",
             (unsigned long long)hold->statistics.packets, hold->limits.packets,
             (unsigned long long)hold->statistics.bytes);
}

/* ---- coming and going ---- */

static void keep(struct hold *hold, struct operation *operation, struct packet *packet)
{
    *operation->last = packet;
    operation->last = &packet->next;
    operation->packets++;
    packet->network->waiting++;
    take_room(hold, operation, 1, packet->size);
}

static struct packet *take_first(struct hold *hold, struct operation *operation)
{
    struct packet *packet = operation->first;

    if (!packet)
        return NULL;
    operation->first = packet->next;
    if (!operation->first)
        operation->last = &operation->first;
    operation->packets--;
    packet->network->waiting--;
    take_room(hold, operation, -1, -(int64_t)packet->size);
    return packet;
}

/* Its queue is closed: the kernel has dropped them. */
void packets_forget(struct hold *hold, const struct network *network)
{
    for (struct operation *operation = hold->operations; operation; operation = operation->next)
        if (operation->first && operation->first->network == network)
            while (operation->first)
                free(take_first(hold, operation));
}

static void settle_first(struct hold *hold, struct operation *operation, uint32_t verdict,
                         const uint8_t *bytes, uint32_t size)
{
    struct packet *packet = take_first(hold, operation);

    if (packet)
        network_verdict(packet, verdict, bytes, size);
    free(packet);
}

static struct packet *packet_new(struct network *network, uint32_t id, const uint8_t *bytes,
                                 uint32_t size)
{
    struct packet *packet = malloc(sizeof(*packet) + size);

    if (!packet)
        return NULL;
    *packet = (struct packet){.network = network, .id = id, .size = size};
    memcpy(packet->bytes, bytes, size);
    return packet;
}

/* A SYN that is sent again says nothing new. */
static bool is_repeated(const struct operation *operation)
{
    return operation->ask.key.protocol == IPPROTO_TCP && operation->first;
}

void packet_arrived(struct network *network, uint32_t id, const uint8_t *bytes, uint32_t size)
{
    struct hold *hold = network->hold;
    struct packet stranger = {.network = network, .id = id};
    struct operation *operation = NULL;
    struct ale_ask_packet ends;

    if (read_ends(bytes, size, network->inum, &ends))
        operation = find_by_ends(hold, &ends);
    if (!operation || is_repeated(operation)) {
        network_verdict(&stranger, NF_DROP, NULL, 0);
        return;
    }
    if (!has_room(hold, operation, size)) {
        refuse(hold, &stranger);
        return;
    }
    struct packet *packet = packet_new(network, id, bytes, size);
    if (!packet) {
        refuse(hold, &stranger);
        return;
    }
    keep(hold, operation, packet);
    operation_packet(hold, operation);
}

/* ---- verdicts ---- */

void packet_drop_first(struct hold *hold, struct operation *operation)
{
    settle_first(hold, operation, NF_DROP, NULL, 0);
}

void packet_permit_first(struct hold *hold, struct operation *operation)
{
    const struct packet *packet = operation->first;
    bool changed = packet && (packet->size != operation->returned_size ||
                              memcmp(packet->bytes, operation->returned, packet->size) != 0);

    settle_first(hold, operation, NF_ACCEPT, changed ? operation->returned : NULL,
                 operation->returned_size);
}

void packets_permit(struct hold *hold, struct operation *operation)
{
    while (operation->first)
        settle_first(hold, operation, NF_ACCEPT, NULL, 0);
}

/* By now the kernel side knows the operation as denied: what meets the rules once more is rejected,
 * and its program told. */
void packets_reject(struct hold *hold, struct operation *operation)
{
    settle_first(hold, operation, NF_REPEAT, NULL, 0);
    packets_drop(hold, operation);
}

void packets_drop(struct hold *hold, struct operation *operation)
{
    while (operation->first)
        packet_drop_first(hold, operation);
}
