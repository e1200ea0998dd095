/* How a policy set is made, filter by filter. Running out of memory ends the program. */
#ifndef OPENWFP_TESTS_POLICY_SET_BUILD_H
#define OPENWFP_TESTS_POLICY_SET_BUILD_H

#include <fwpmu.h>

#include "differential.h"
#include "policy_set.h"

/* Room for so many filters at a layer; name is a constant. */
void set_begin(struct policy_set *set, const char *name, const GUID *layer, size_t count);

/* A filter in a sublayer; the lower the sublayer's number, the heavier. */
FWPM_FILTER0 *set_filter(struct policy_set *set, uint32_t sublayer, uint64_t weight,
                         FWP_ACTION_TYPE action);
/* The last filter asks a callout; slot MODEL_CALLOUT_UNREGISTERED: none is there. */
void set_callout(struct policy_set *set, uint32_t slot, uint64_t script);

/* Conditions of the last filter. */
void set_condition(struct policy_set *set, const GUID *field, FWP_MATCH_TYPE match,
                   FWP_CONDITION_VALUE0 value);
void set_u8(struct policy_set *set, const GUID *field, FWP_MATCH_TYPE match, uint8_t value);
void set_u16(struct policy_set *set, const GUID *field, FWP_MATCH_TYPE match, uint16_t value);
void set_u32(struct policy_set *set, const GUID *field, FWP_MATCH_TYPE match, uint32_t value);
/* Low and high of one type: FWP_UINT8, _UINT16 or _UINT32. */
void set_range(struct policy_set *set, const GUID *field, FWP_DATA_TYPE type, uint32_t low,
               uint32_t high);
/*
 * A prefix of an IPv4 address; at an IPv6 layer the address stands behind 2001:db8::/32, and one of
 * 32 bits has a made-up interface identifier.
 */
void set_prefix(struct policy_set *set, const GUID *field, uint32_t address, uint8_t length);
/* Of IPv6 addresses behind 2001:db8::, by the last bits of their halves; put in order. */
void set_range6(struct policy_set *set, const GUID *field, uint32_t high, uint64_t low,
                uint32_t other_high, uint64_t other_low);
void set_program(struct policy_set *set, FWP_MATCH_TYPE match, uint32_t program);
void set_user(struct policy_set *set, uint32_t descriptor);

/* ---- pools ---- */

#define SET_PROGRAMS    400
#define SET_USERS       64 /* uids from SET_FIRST_USER, and 0 */
#define SET_FIRST_USER  1000
#define SET_DESCRIPTORS 96

/* Less than count; the low ones more often, as Zipf has it. */
uint32_t set_popular(struct random *random, uint32_t count);
/* program: 0 is a path that no filter names, else a number of policy_set_intern. */
FWP_BYTE_BLOB set_program_blob(uint32_t program);
/* The number of the blob's program. */
uint32_t set_program_number(const FWP_BYTE_BLOB *blob);
FWP_BYTE_BLOB *set_descriptor(uint32_t descriptor);
/* A uid that satisfies the descriptor. */
uint32_t set_user_of(const FWP_BYTE_BLOB *descriptor);
/* The two groups of a user. */
void set_groups(uint32_t uid, uint32_t gids[2]);

/* ---- kinds of sets ---- */

bool set_make_seed(struct policy_set *set, const char *name, size_t count);
bool set_make_adversary(struct policy_set *set, const char *name, size_t count);

#endif
