/* Rules and headers as ClassBench, nftables and the policy language write them. */
#ifndef OPENWFP_TESTS_CLASSBENCH_TEXT_H
#define OPENWFP_TESTS_CLASSBENCH_TEXT_H

#include "classbench.h"

/* "@10.0.0.0/8 10.1.0.1/32 0 : 65535 80 : 80 0x06/0xFF", tabs between the columns. */
void classbench_write_rule(FILE *file, const struct classbench_rule *rule);
/* A rule of nftables without its verdict: "ip saddr 10.0.0.0/8 tcp dport 80"; may be empty. */
void classbench_write_nft(FILE *file, const struct classbench_rule *rule);
/* Conditions at `connect`, source the local end: " from 10.0.0.0/8 proto 6 port 80". */
void classbench_write_policy(FILE *file, const struct classbench_rule *rule);
/* Addresses, ports, protocol as decimal numbers, tabs between them. */
void classbench_write_header(FILE *file, const struct classbench_header *header);

#endif
