/*
 * The lists of a rule: a clause's values read into its meaning. For meaning.c only.
 */
#ifndef OPENWFP_POLICY_MEANING_VALUES_H
#define OPENWFP_POLICY_MEANING_VALUES_H

#include "src/wfp/policy/meaning.h"

typedef bool (*read_span)(const struct reader *reader, const struct value *value,
                          struct span *span);

/* The same numbers for both families. */
bool meaning_spans(const struct reader *reader, struct meaning *meaning, enum field field,
                   const struct value *values, read_span read);
bool meaning_addresses(const struct reader *reader, struct meaning *meaning, enum field field,
                       const struct value *values);
/* IPv4 addresses stand at the V6 layer as mapped ones, and a socket's two ends are mapped both or
   neither: true when the rule's addresses there can't be. */
bool meaning_ends_disagree(const struct meaning *meaning);
/* icmp is IPv4's, icmp6 IPv6's; 1 and 58 as numbers are both's. */
bool meaning_protocols(const struct reader *reader, struct meaning *meaning,
                       const struct value *values);
/* All protocols that have ports: a block must not be walked round with the rarer ones. */
void meaning_with_ports(const struct reader *reader, struct meaning *meaning);
bool meaning_is_icmp(const struct meaning *meaning); /* and nothing else */

bool meaning_apps(const struct reader *reader, struct meaning *meaning,
                  const struct clause *clause);
bool meaning_accounts(const struct reader *reader, struct meaning *meaning,
                      const struct clause *clause);

#endif
