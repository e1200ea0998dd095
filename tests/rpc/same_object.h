/* Deep comparison of objects of the API, member by member, independent of src/rpc. */
#ifndef OPENWFP_TESTS_SAME_OBJECT_H
#define OPENWFP_TESTS_SAME_OBJECT_H

#include <openwfp.h>

/* Each asserts (cmocka). */
void same_value(const FWP_VALUE0 *a, const FWP_VALUE0 *b);
void same_conditions(UINT32 n, const FWPM_FILTER_CONDITION0 *a, const FWPM_FILTER_CONDITION0 *b);
void same_provider(const FWPM_PROVIDER0 *a, const FWPM_PROVIDER0 *b);
void same_provider_context(const FWPM_PROVIDER_CONTEXT0 *a, const FWPM_PROVIDER_CONTEXT0 *b);
void same_sublayer(const FWPM_SUBLAYER0 *a, const FWPM_SUBLAYER0 *b);
void same_callout(const FWPM_CALLOUT0 *a, const FWPM_CALLOUT0 *b);
void same_filter(const FWPM_FILTER0 *a, const FWPM_FILTER0 *b);
void same_filter_template(const FWPM_FILTER_ENUM_TEMPLATE0 *a, const FWPM_FILTER_ENUM_TEMPLATE0 *b);
void same_net_event(const OPENWFP_NET_EVENT *a, const OPENWFP_NET_EVENT *b);
void same_classifier(const OPENWFP_CLASSIFIER *a, const OPENWFP_CLASSIFIER *b);
void same_held(const OPENWFP_HELD *a, const OPENWFP_HELD *b);
void same_held_notice(const OPENWFP_HELD_NOTICE *a, const OPENWFP_HELD_NOTICE *b);

#endif
