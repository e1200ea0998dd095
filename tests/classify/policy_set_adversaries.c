/*
 * Sets made against a classifier, each hard in one way. Filters permit and block by turns, the
 * first one is the heaviest, and all are in one sublayer where nothing else is said.
 */
#include <string.h>

#include "policy_set_build.h"

#define LOCAL  (&FWPM_CONDITION_IP_LOCAL_ADDRESS)
#define REMOTE (&FWPM_CONDITION_IP_REMOTE_ADDRESS)
#define LPORT  (&FWPM_CONDITION_IP_LOCAL_PORT)
#define RPORT  (&FWPM_CONDITION_IP_REMOTE_PORT)

static FWPM_FILTER0 *add(struct policy_set *set, uint32_t sublayer, size_t i, size_t count)
{
    return set_filter(set, sublayer, count - i, i % 2 ? FWP_ACTION_BLOCK : FWP_ACTION_PERMIT);
}

/* Every filter is within the next one, in every field. */
static void make_nested(struct policy_set *set, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint32_t address = (uint32_t)((i + 1) * 0x7fffffffull / count);
        uint32_t port = (uint32_t)((i + 1) * 0x7fff / count);
        add(set, 0, i, count);
        set_range(set, LOCAL, FWP_UINT32, 0x80000000u - address, 0x80000000u + address);
        set_range(set, REMOTE, FWP_UINT32, 0x80000000u - address, 0x80000000u + address);
        set_range(set, LPORT, FWP_UINT16, 0x8000u - port, 0x8000u + port);
        set_range(set, RPORT, FWP_UINT16, 0x8000u - port, 0x8000u + port);
    }
}

/* A filter looks at one field of four: the fields' borders cut the space into their product. */
static void make_crossed(struct policy_set *set, size_t count)
{
    struct random random = {.state = 7};
    for (size_t i = 0; i < count; i++) {
        uint32_t at = (uint32_t)random_next(&random), port = at >> 16;
        uint32_t end = at + (uint32_t)(UINT32_MAX - at) / 64;
        add(set, 0, i, count);
        if (i % 4 < 2)
            set_range(set, i % 4 ? LOCAL : REMOTE, FWP_UINT32, at, end);
        else
            set_range(set, i % 4 == 2 ? LPORT : RPORT, FWP_UINT16, port, end >> 16);
    }
}

/* All fields but one are open, and in that one ranges overlap at random. */
static void make_one_field(struct policy_set *set, size_t count)
{
    struct random random = {.state = 8};
    for (size_t i = 0; i < count; i++) {
        uint32_t low = random_below(&random, 65000);
        add(set, 0, i, count);
        set_range(set, RPORT, FWP_UINT16, low, low + random_below(&random, 65536 - low));
    }
}

/* Each filter differs from the one before in one bit, and the bits are all over the fields. */
static void make_one_bit(struct policy_set *set, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint32_t gray = (uint32_t)(i ^ i >> 1), parts[4] = {0};
        for (int bit = 0; bit < 32; bit++)
            parts[bit % 4] |= (gray >> bit & 1) << (bit / 4);
        add(set, 0, i, count);
        set_u32(set, LOCAL, FWP_MATCH_EQUAL, 0x0a000000u | parts[0] << 11);
        set_u16(set, LPORT, FWP_MATCH_EQUAL, (uint16_t)(parts[1] << 3));
        set_u32(set, REMOTE, FWP_MATCH_EQUAL, 0xc0a80001u ^ parts[2] << 21);
        set_u16(set, RPORT, FWP_MATCH_EQUAL, (uint16_t)(443 ^ parts[3] << 1));
    }
}

/* The same conditions again and again: only the heaviest can ever decide. */
static void make_same(struct policy_set *set, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        add(set, 0, (i * 7919) % count, count); /* ties where count is a multiple of that */
        set_u8(set, &FWPM_CONDITION_IP_PROTOCOL, FWP_MATCH_EQUAL, 6);
        set_prefix(set, REMOTE, 0x0a010000, 16);
        set_range(set, RPORT, FWP_UINT16, 400, 500);
    }
}

/* No conditions at all, in four sublayers of soft permits. */
static void make_open(struct policy_set *set, size_t count)
{
    for (size_t i = 0; i < count; i++)
        set_filter(set, i % 4, count - i, FWP_ACTION_PERMIT);
}

/* Every filter in a sublayer of its own; the permits are soft, so many of them are asked. */
static void make_sublayers(struct policy_set *set, size_t count)
{
    struct random random = {.state = 9};
    for (size_t i = 0; i < count; i++) {
        set_filter(set, (uint32_t)i, 1, i % 50 == 49 ? FWP_ACTION_BLOCK : FWP_ACTION_PERMIT);
        set_prefix(set, REMOTE, (uint32_t)random_next(&random), (uint8_t)(i % 8));
        if (i % 3 == 0)
            set_range(set, RPORT, FWP_UINT16, random_below(&random, 500), 60000);
    }
}

/* Few filters with thousands of alternatives, in one field or in two. */
static void make_long_or(struct policy_set *set, size_t count)
{
    struct random random = {.state = 10};
    size_t alternatives = count < 4000 ? count : 4000;
    for (size_t i = 0; i < 8; i++) {
        add(set, 0, i, 8);
        for (size_t n = 0; i % 3 != 2 && n < alternatives; n++)
            set_prefix(set, REMOTE, (uint32_t)random_next(&random),
                       (uint8_t)(24 + random_below(&random, 9)));
        for (size_t n = 0; i % 3 != 1 && n < alternatives / 4; n++)
            set_u16(set, RPORT, FWP_MATCH_EQUAL, (uint16_t)random_next(&random));
    }
}

static void make_not_equals(struct policy_set *set, size_t count)
{
    struct random random = {.state = 11};
    for (size_t i = 0; i < count; i++) {
        add(set, 0, i, count);
        if (i % 4 != 0)
            set_u16(set, RPORT, FWP_MATCH_NOT_EQUAL, (uint16_t)random_below(&random, 4));
        if (i % 4 != 1)
            set_u32(set, REMOTE, FWP_MATCH_NOT_EQUAL, 0x0a000000 + random_below(&random, 4));
        if (i % 4 != 2)
            set_u8(set, &FWPM_CONDITION_IP_PROTOCOL, FWP_MATCH_NOT_EQUAL,
                   (uint8_t)random_below(&random, 4));
        if (i % 4 != 3)
            set_program(set, FWP_MATCH_NOT_EQUAL, 1 + random_below(&random, 4));
    }
}

static void make_flags(struct policy_set *set, size_t count)
{
    static const FWP_MATCH_TYPE matches[] = {FWP_MATCH_FLAGS_ALL_SET, FWP_MATCH_FLAGS_ANY_SET,
                                             FWP_MATCH_FLAGS_NONE_SET};
    struct random random = {.state = 12};
    for (size_t i = 0; i < count; i++) {
        uint64_t bits = random_next(&random);
        add(set, 0, i, count);
        /* Masks of many bits for "all", of few for "any". */
        set_u32(set, &FWPM_CONDITION_FLAGS, matches[i % 3],
                (uint32_t)(i % 3 == 0 ? bits & (bits >> 32) : bits & (bits >> 32) & bits << 7));
    }
}

/* Callouts that let the next filter decide, wherever the key is. */
static void make_continues(struct policy_set *set, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        bool inspects = i % 2;
        set_filter(set, i % 3, count - i,
                   inspects ? FWP_ACTION_CALLOUT_INSPECTION : FWP_ACTION_CALLOUT_UNKNOWN);
        set_callout(set, inspects && i % 4 == 1 ? MODEL_CALLOUT_UNREGISTERED : i % 2,
                    inspects ? SCRIPT_BLOCK : SCRIPT_CONTINUE);
        if (i % 5 == 0)
            set_prefix(set, REMOTE, (uint32_t)i << 24, (uint8_t)(i % 4));
    }
}

static void make_programs(struct policy_set *set, size_t count)
{
    struct random random = {.state = 13};
    for (size_t i = 0; i < count; i++) {
        add(set, i % 2, i, count);
        set_program(set, i % 9 ? FWP_MATCH_EQUAL : FWP_MATCH_NOT_EQUAL,
                    1 + (uint32_t)(i % SET_PROGRAMS));
        if (i % 3 == 0)
            set_range(set, RPORT, FWP_UINT16, random_below(&random, 1024), 2000);
    }
}

static void make_users(struct policy_set *set, size_t count)
{
    struct random random = {.state = 14};
    for (size_t i = 0; i < count; i++) {
        add(set, i % 2, i, count);
        set_user(set, random_below(&random, SET_DESCRIPTORS));
        if (i % 4 == 1) /* one of two users */
            set_user(set, random_below(&random, SET_DESCRIPTORS));
        if (i % 2)
            set_u16(set, RPORT, FWP_MATCH_EQUAL, (uint16_t)random_below(&random, 8));
    }
}

/* Filters for what is not there: a missing field is 0 in the key, and so is many a value. */
static void make_absent(struct policy_set *set, size_t count)
{
    static const GUID *const fields[] = {RPORT, REMOTE, LPORT, LOCAL, &FWPM_CONDITION_ALE_APP_ID};
    struct random random = {.state = 15};
    for (size_t i = 0; i < count; i++) {
        const GUID *field = fields[i % 5];
        add(set, i % 2, i, count);
        set_condition(set, field, FWP_MATCH_EQUAL, (FWP_CONDITION_VALUE0){.type = FWP_EMPTY});
        if (i % 2 && field == REMOTE) /* or one of the first few values */
            set_prefix(set, field, 0, 30);
        if (i % 2 && field == RPORT)
            set_u16(set, field, FWP_MATCH_LESS, 3);
        set_u8(set, &FWPM_CONDITION_IP_PROTOCOL, FWP_MATCH_LESS_OR_EQUAL,
               (uint8_t)random_below(&random, 256));
    }
}

/* IPv6 addresses that agree in their upper or their lower half, in ranges across the border. */
static void make_ranges6(struct policy_set *set, size_t count)
{
    struct random random = {.state = 16};
    for (size_t i = 0; i < count; i++) {
        add(set, 0, i, count);
        set_range6(set, i % 2 ? LOCAL : REMOTE, random_below(&random, 3),
                   random_next(&random) << 62, random_below(&random, 3),
                   random_next(&random) << 61);
        if (i % 3 == 0)
            set_prefix(set, i % 2 ? REMOTE : LOCAL, (uint32_t)random_next(&random),
                       (uint8_t)random_below(&random, 33));
    }
}

static const struct adversary {
    const char *name;
    void (*make)(struct policy_set *set, size_t count);
} adversaries[] = {
    {"nested", make_nested},       {"crossed", make_crossed},     {"one-field", make_one_field},
    {"one-bit", make_one_bit},     {"same", make_same},           {"open", make_open},
    {"sublayers", make_sublayers}, {"long-or", make_long_or},     {"not-equals", make_not_equals},
    {"flags", make_flags},         {"continues", make_continues}, {"programs", make_programs},
    {"users", make_users},         {"absent", make_absent},       {"ranges6", make_ranges6},
};

bool set_make_adversary(struct policy_set *set, const char *name, size_t count)
{
    for (size_t i = 0; i < sizeof adversaries / sizeof adversaries[0]; i++) {
        if (strcmp(adversaries[i].name, name) != 0)
            continue;
        bool six = strchr(name, '6') != NULL;
        set_begin(set, adversaries[i].name,
                  six ? &FWPM_LAYER_ALE_AUTH_CONNECT_V6 : &FWPM_LAYER_ALE_AUTH_CONNECT_V4,
                  count < 8 ? 8 : count);
        adversaries[i].make(set, count);
        return true;
    }
    return false;
}
