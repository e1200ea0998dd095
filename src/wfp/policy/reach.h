/*
 * Rules that come to nothing because one above them, in the same sublayer, takes everything.
 */
#ifndef OPENWFP_POLICY_REACH_H
#define OPENWFP_POLICY_REACH_H

struct policy;
struct report;

/* Warns of each. */
void reach_check(struct report *report, const struct policy *policy);

#endif
