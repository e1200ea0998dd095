/*
 * Names without a version number: the newest version that the program's target (NTDDI_VERSION, see
 * sdkddkver.h) has; without a target the newest of all.
 */
#ifndef OPENWFP_FWPVI_H
#define OPENWFP_FWPVI_H

#include <sdkddkver.h>

#if NTDDI_VERSION >= NTDDI_WIN10_RS3
#define FWPM_PROVIDER_CONTEXT       FWPM_PROVIDER_CONTEXT3
#define FwpmProviderContextAdd      FwpmProviderContextAdd3
#define FwpmProviderContextGetById  FwpmProviderContextGetById3
#define FwpmProviderContextGetByKey FwpmProviderContextGetByKey3
#define FwpmProviderContextEnum     FwpmProviderContextEnum3
#elif NTDDI_VERSION >= NTDDI_WIN8
#define FWPM_PROVIDER_CONTEXT       FWPM_PROVIDER_CONTEXT2
#define FwpmProviderContextAdd      FwpmProviderContextAdd2
#define FwpmProviderContextGetById  FwpmProviderContextGetById2
#define FwpmProviderContextGetByKey FwpmProviderContextGetByKey2
#define FwpmProviderContextEnum     FwpmProviderContextEnum2
#elif NTDDI_VERSION >= NTDDI_WIN7
#define FWPM_PROVIDER_CONTEXT       FWPM_PROVIDER_CONTEXT1
#define FwpmProviderContextAdd      FwpmProviderContextAdd1
#define FwpmProviderContextGetById  FwpmProviderContextGetById1
#define FwpmProviderContextGetByKey FwpmProviderContextGetByKey1
#define FwpmProviderContextEnum     FwpmProviderContextEnum1
#else
#define FWPM_PROVIDER_CONTEXT       FWPM_PROVIDER_CONTEXT0
#define FwpmProviderContextAdd      FwpmProviderContextAdd0
#define FwpmProviderContextGetById  FwpmProviderContextGetById0
#define FwpmProviderContextGetByKey FwpmProviderContextGetByKey0
#define FwpmProviderContextEnum     FwpmProviderContextEnum0
#endif

#if NTDDI_VERSION >= NTDDI_WIN10_RS5
#define FWPM_NET_EVENT               FWPM_NET_EVENT5
#define FwpmNetEventEnum             FwpmNetEventEnum5
#define FWPM_NET_EVENT_CALLBACK      FWPM_NET_EVENT_CALLBACK4
#define FwpmNetEventSubscribe        FwpmNetEventSubscribe4
#define FWPM_NET_EVENT_HEADER        FWPM_NET_EVENT_HEADER3
#define FWPM_NET_EVENT_CLASSIFY_DROP FWPM_NET_EVENT_CLASSIFY_DROP2
#elif NTDDI_VERSION >= NTDDI_WIN10_RS4
#define FWPM_NET_EVENT               FWPM_NET_EVENT4
#define FwpmNetEventEnum             FwpmNetEventEnum4
#define FWPM_NET_EVENT_CALLBACK      FWPM_NET_EVENT_CALLBACK3
#define FwpmNetEventSubscribe        FwpmNetEventSubscribe3
#define FWPM_NET_EVENT_HEADER        FWPM_NET_EVENT_HEADER3
#define FWPM_NET_EVENT_CLASSIFY_DROP FWPM_NET_EVENT_CLASSIFY_DROP2
#elif NTDDI_VERSION >= NTDDI_WINTHRESHOLD
#define FWPM_NET_EVENT               FWPM_NET_EVENT3
#define FwpmNetEventEnum             FwpmNetEventEnum3
#define FWPM_NET_EVENT_CALLBACK      FWPM_NET_EVENT_CALLBACK2
#define FwpmNetEventSubscribe        FwpmNetEventSubscribe2
#define FWPM_NET_EVENT_HEADER        FWPM_NET_EVENT_HEADER3
#define FWPM_NET_EVENT_CLASSIFY_DROP FWPM_NET_EVENT_CLASSIFY_DROP2
#elif NTDDI_VERSION >= NTDDI_WIN8
#define FWPM_NET_EVENT               FWPM_NET_EVENT2
#define FwpmNetEventEnum             FwpmNetEventEnum2
#define FWPM_NET_EVENT_CALLBACK      FWPM_NET_EVENT_CALLBACK1
#define FwpmNetEventSubscribe        FwpmNetEventSubscribe1
#define FWPM_NET_EVENT_HEADER        FWPM_NET_EVENT_HEADER2
#define FWPM_NET_EVENT_CLASSIFY_DROP FWPM_NET_EVENT_CLASSIFY_DROP2
#elif NTDDI_VERSION >= NTDDI_WIN7
#define FWPM_NET_EVENT               FWPM_NET_EVENT1
#define FwpmNetEventEnum             FwpmNetEventEnum1
#define FWPM_NET_EVENT_CALLBACK      FWPM_NET_EVENT_CALLBACK0
#define FwpmNetEventSubscribe        FwpmNetEventSubscribe0
#define FWPM_NET_EVENT_HEADER        FWPM_NET_EVENT_HEADER1
#define FWPM_NET_EVENT_CLASSIFY_DROP FWPM_NET_EVENT_CLASSIFY_DROP1
#else
#define FWPM_NET_EVENT               FWPM_NET_EVENT0
#define FwpmNetEventEnum             FwpmNetEventEnum0
#define FWPM_NET_EVENT_CALLBACK      FWPM_NET_EVENT_CALLBACK0
#define FwpmNetEventSubscribe        FwpmNetEventSubscribe0
#define FWPM_NET_EVENT_HEADER        FWPM_NET_EVENT_HEADER0
#define FWPM_NET_EVENT_CLASSIFY_DROP FWPM_NET_EVENT_CLASSIFY_DROP0
#endif

#if NTDDI_VERSION >= NTDDI_WIN10_RS3
#define FWPS_FILTER              FWPS_FILTER3
#define FWPS_CALLOUT             FWPS_CALLOUT3
#define FWPS_CALLOUT_CLASSIFY_FN FWPS_CALLOUT_CLASSIFY_FN3
#define FWPS_CALLOUT_NOTIFY_FN   FWPS_CALLOUT_NOTIFY_FN3
#define FwpsCalloutRegister      FwpsCalloutRegister3
#elif NTDDI_VERSION >= NTDDI_WIN8
#define FWPS_FILTER              FWPS_FILTER2
#define FWPS_CALLOUT             FWPS_CALLOUT2
#define FWPS_CALLOUT_CLASSIFY_FN FWPS_CALLOUT_CLASSIFY_FN2
#define FWPS_CALLOUT_NOTIFY_FN   FWPS_CALLOUT_NOTIFY_FN2
#define FwpsCalloutRegister      FwpsCalloutRegister2
#elif NTDDI_VERSION >= NTDDI_WIN7
#define FWPS_FILTER              FWPS_FILTER1
#define FWPS_CALLOUT             FWPS_CALLOUT1
#define FWPS_CALLOUT_CLASSIFY_FN FWPS_CALLOUT_CLASSIFY_FN1
#define FWPS_CALLOUT_NOTIFY_FN   FWPS_CALLOUT_NOTIFY_FN1
#define FwpsCalloutRegister      FwpsCalloutRegister1
#else
#define FWPS_FILTER              FWPS_FILTER0
#define FWPS_CALLOUT             FWPS_CALLOUT0
#define FWPS_CALLOUT_CLASSIFY_FN FWPS_CALLOUT_CLASSIFY_FN0
#define FWPS_CALLOUT_NOTIFY_FN   FWPS_CALLOUT_NOTIFY_FN0
#define FwpsCalloutRegister      FwpsCalloutRegister0
#endif

#if NTDDI_VERSION >= NTDDI_WIN7
#define FWPS_TRANSPORT_SEND_PARAMS   FWPS_TRANSPORT_SEND_PARAMS1
#define FwpsInjectTransportSendAsync FwpsInjectTransportSendAsync1
#else
#define FWPS_TRANSPORT_SEND_PARAMS   FWPS_TRANSPORT_SEND_PARAMS0
#define FwpsInjectTransportSendAsync FwpsInjectTransportSendAsync0
#endif

#define FWPM_DISPLAY_DATA                       FWPM_DISPLAY_DATA0
#define FWPM_SESSION                            FWPM_SESSION0
#define FWPM_SESSION_ENUM_TEMPLATE              FWPM_SESSION_ENUM_TEMPLATE0
#define FWPM_PROVIDER                           FWPM_PROVIDER0
#define FWPM_PROVIDER_ENUM_TEMPLATE             FWPM_PROVIDER_ENUM_TEMPLATE0
#define FWPM_PROVIDER_CHANGE                    FWPM_PROVIDER_CHANGE0
#define FWPM_PROVIDER_SUBSCRIPTION              FWPM_PROVIDER_SUBSCRIPTION0
#define FWPM_CLASSIFY_OPTION                    FWPM_CLASSIFY_OPTION0
#define FWPM_CLASSIFY_OPTIONS                   FWPM_CLASSIFY_OPTIONS0
#define FWPM_NETWORK_CONNECTION_POLICY_SETTING  FWPM_NETWORK_CONNECTION_POLICY_SETTING0
#define FWPM_NETWORK_CONNECTION_POLICY_SETTINGS FWPM_NETWORK_CONNECTION_POLICY_SETTINGS0
#define FWPM_PROVIDER_CONTEXT_ENUM_TEMPLATE     FWPM_PROVIDER_CONTEXT_ENUM_TEMPLATE0
#define FWPM_PROVIDER_CONTEXT_CHANGE            FWPM_PROVIDER_CONTEXT_CHANGE0
#define FWPM_PROVIDER_CONTEXT_SUBSCRIPTION      FWPM_PROVIDER_CONTEXT_SUBSCRIPTION0
#define FWPM_SUBLAYER                           FWPM_SUBLAYER0
#define FWPM_SUBLAYER_ENUM_TEMPLATE             FWPM_SUBLAYER_ENUM_TEMPLATE0
#define FWPM_SUBLAYER_CHANGE                    FWPM_SUBLAYER_CHANGE0
#define FWPM_SUBLAYER_SUBSCRIPTION              FWPM_SUBLAYER_SUBSCRIPTION0
#define FWPM_FIELD                              FWPM_FIELD0
#define FWPM_LAYER                              FWPM_LAYER0
#define FWPM_LAYER_ENUM_TEMPLATE                FWPM_LAYER_ENUM_TEMPLATE0
#define FWPM_CALLOUT                            FWPM_CALLOUT0
#define FWPM_CALLOUT_ENUM_TEMPLATE              FWPM_CALLOUT_ENUM_TEMPLATE0
#define FWPM_CALLOUT_CHANGE                     FWPM_CALLOUT_CHANGE0
#define FWPM_CALLOUT_SUBSCRIPTION               FWPM_CALLOUT_SUBSCRIPTION0
#define FWPM_ACTION                             FWPM_ACTION0
#define FWPM_FILTER_CONDITION                   FWPM_FILTER_CONDITION0
#define FWPM_FILTER                             FWPM_FILTER0
#define FWPM_FILTER_ENUM_TEMPLATE               FWPM_FILTER_ENUM_TEMPLATE0
#define FWPM_FILTER_CHANGE                      FWPM_FILTER_CHANGE0
#define FWPM_FILTER_SUBSCRIPTION                FWPM_FILTER_SUBSCRIPTION0
#define FWPM_LAYER_STATISTICS                   FWPM_LAYER_STATISTICS0
#define FWPM_STATISTICS                         FWPM_STATISTICS0
#define FWPM_NET_EVENT_IPSEC_KERNEL_DROP        FWPM_NET_EVENT_IPSEC_KERNEL_DROP0
#define FWPM_NET_EVENT_CLASSIFY_DROP_MAC        FWPM_NET_EVENT_CLASSIFY_DROP_MAC0
#define FWPM_NET_EVENT_IPSEC_DOSP_DROP          FWPM_NET_EVENT_IPSEC_DOSP_DROP0
#define FWPM_NET_EVENT_CLASSIFY_ALLOW           FWPM_NET_EVENT_CLASSIFY_ALLOW0
#define FWPM_NET_EVENT_CAPABILITY_DROP          FWPM_NET_EVENT_CAPABILITY_DROP0
#define FWPM_NET_EVENT_CAPABILITY_ALLOW         FWPM_NET_EVENT_CAPABILITY_ALLOW0
#define FWPM_NET_EVENT_LPM_PACKET_ARRIVAL       FWPM_NET_EVENT_LPM_PACKET_ARRIVAL0
#define FWPM_NET_EVENT_ENUM_TEMPLATE            FWPM_NET_EVENT_ENUM_TEMPLATE0
#define FWPM_NET_EVENT_SUBSCRIPTION             FWPM_NET_EVENT_SUBSCRIPTION0
#define FWPM_SYSTEM_PORTS_BY_TYPE               FWPM_SYSTEM_PORTS_BY_TYPE0
#define FWPM_SYSTEM_PORTS                       FWPM_SYSTEM_PORTS0
#define FWP_VALUE                               FWP_VALUE0
#define FWP_RANGE                               FWP_RANGE0
#define FWP_CONDITION_VALUE                     FWP_CONDITION_VALUE0
#define FwpmFreeMemory                          FwpmFreeMemory0
#define FwpmEngineOpen                          FwpmEngineOpen0
#define FwpmEngineClose                         FwpmEngineClose0
#define FwpmEngineGetOption                     FwpmEngineGetOption0
#define FwpmEngineSetOption                     FwpmEngineSetOption0
#define FwpmEngineGetSecurityInfo               FwpmEngineGetSecurityInfo0
#define FwpmEngineSetSecurityInfo               FwpmEngineSetSecurityInfo0
#define FwpmSessionCreateEnumHandle             FwpmSessionCreateEnumHandle0
#define FwpmSessionEnum                         FwpmSessionEnum0
#define FwpmSessionDestroyEnumHandle            FwpmSessionDestroyEnumHandle0
#define FwpmTransactionBegin                    FwpmTransactionBegin0
#define FwpmTransactionCommit                   FwpmTransactionCommit0
#define FwpmTransactionAbort                    FwpmTransactionAbort0
#define FwpmProviderAdd                         FwpmProviderAdd0
#define FwpmProviderDeleteByKey                 FwpmProviderDeleteByKey0
#define FwpmProviderGetByKey                    FwpmProviderGetByKey0
#define FwpmProviderCreateEnumHandle            FwpmProviderCreateEnumHandle0
#define FwpmProviderEnum                        FwpmProviderEnum0
#define FwpmProviderDestroyEnumHandle           FwpmProviderDestroyEnumHandle0
#define FwpmProviderGetSecurityInfoByKey        FwpmProviderGetSecurityInfoByKey0
#define FwpmProviderSetSecurityInfoByKey        FwpmProviderSetSecurityInfoByKey0
#define FWPM_PROVIDER_CHANGE_CALLBACK           FWPM_PROVIDER_CHANGE_CALLBACK0
#define FwpmProviderSubscribeChanges            FwpmProviderSubscribeChanges0
#define FwpmProviderUnsubscribeChanges          FwpmProviderUnsubscribeChanges0
#define FwpmProviderSubscriptionsGet            FwpmProviderSubscriptionsGet0
#define FwpmProviderContextDeleteById           FwpmProviderContextDeleteById0
#define FwpmProviderContextDeleteByKey          FwpmProviderContextDeleteByKey0
#define FwpmProviderContextCreateEnumHandle     FwpmProviderContextCreateEnumHandle0
#define FwpmProviderContextDestroyEnumHandle    FwpmProviderContextDestroyEnumHandle0
#define FwpmProviderContextGetSecurityInfoByKey FwpmProviderContextGetSecurityInfoByKey0
#define FwpmProviderContextSetSecurityInfoByKey FwpmProviderContextSetSecurityInfoByKey0
#define FWPM_PROVIDER_CONTEXT_CHANGE_CALLBACK   FWPM_PROVIDER_CONTEXT_CHANGE_CALLBACK0
#define FwpmProviderContextSubscribeChanges     FwpmProviderContextSubscribeChanges0
#define FwpmProviderContextUnsubscribeChanges   FwpmProviderContextUnsubscribeChanges0
#define FwpmProviderContextSubscriptionsGet     FwpmProviderContextSubscriptionsGet0
#define FwpmSubLayerAdd                         FwpmSubLayerAdd0
#define FwpmSubLayerDeleteByKey                 FwpmSubLayerDeleteByKey0
#define FwpmSubLayerGetByKey                    FwpmSubLayerGetByKey0
#define FwpmSubLayerCreateEnumHandle            FwpmSubLayerCreateEnumHandle0
#define FwpmSubLayerEnum                        FwpmSubLayerEnum0
#define FwpmSubLayerDestroyEnumHandle           FwpmSubLayerDestroyEnumHandle0
#define FwpmSubLayerGetSecurityInfoByKey        FwpmSubLayerGetSecurityInfoByKey0
#define FwpmSubLayerSetSecurityInfoByKey        FwpmSubLayerSetSecurityInfoByKey0
#define FWPM_SUBLAYER_CHANGE_CALLBACK           FWPM_SUBLAYER_CHANGE_CALLBACK0
#define FwpmSubLayerSubscribeChanges            FwpmSubLayerSubscribeChanges0
#define FwpmSubLayerUnsubscribeChanges          FwpmSubLayerUnsubscribeChanges0
#define FwpmSubLayerSubscriptionsGet            FwpmSubLayerSubscriptionsGet0
#define FwpmLayerGetById                        FwpmLayerGetById0
#define FwpmLayerGetByKey                       FwpmLayerGetByKey0
#define FwpmLayerCreateEnumHandle               FwpmLayerCreateEnumHandle0
#define FwpmLayerEnum                           FwpmLayerEnum0
#define FwpmLayerDestroyEnumHandle              FwpmLayerDestroyEnumHandle0
#define FwpmLayerGetSecurityInfoByKey           FwpmLayerGetSecurityInfoByKey0
#define FwpmLayerSetSecurityInfoByKey           FwpmLayerSetSecurityInfoByKey0
#define FwpmCalloutAdd                          FwpmCalloutAdd0
#define FwpmCalloutDeleteById                   FwpmCalloutDeleteById0
#define FwpmCalloutDeleteByKey                  FwpmCalloutDeleteByKey0
#define FwpmCalloutGetById                      FwpmCalloutGetById0
#define FwpmCalloutGetByKey                     FwpmCalloutGetByKey0
#define FwpmCalloutCreateEnumHandle             FwpmCalloutCreateEnumHandle0
#define FwpmCalloutEnum                         FwpmCalloutEnum0
#define FwpmCalloutDestroyEnumHandle            FwpmCalloutDestroyEnumHandle0
#define FwpmCalloutGetSecurityInfoByKey         FwpmCalloutGetSecurityInfoByKey0
#define FwpmCalloutSetSecurityInfoByKey         FwpmCalloutSetSecurityInfoByKey0
#define FWPM_CALLOUT_CHANGE_CALLBACK            FWPM_CALLOUT_CHANGE_CALLBACK0
#define FwpmCalloutSubscribeChanges             FwpmCalloutSubscribeChanges0
#define FwpmCalloutUnsubscribeChanges           FwpmCalloutUnsubscribeChanges0
#define FwpmCalloutSubscriptionsGet             FwpmCalloutSubscriptionsGet0
#define FwpmFilterAdd                           FwpmFilterAdd0
#define FwpmFilterDeleteById                    FwpmFilterDeleteById0
#define FwpmFilterDeleteByKey                   FwpmFilterDeleteByKey0
#define FwpmFilterGetById                       FwpmFilterGetById0
#define FwpmFilterGetByKey                      FwpmFilterGetByKey0
#define FwpmFilterCreateEnumHandle              FwpmFilterCreateEnumHandle0
#define FwpmFilterEnum                          FwpmFilterEnum0
#define FwpmFilterDestroyEnumHandle             FwpmFilterDestroyEnumHandle0
#define FwpmFilterGetSecurityInfoByKey          FwpmFilterGetSecurityInfoByKey0
#define FwpmFilterSetSecurityInfoByKey          FwpmFilterSetSecurityInfoByKey0
#define FWPM_FILTER_CHANGE_CALLBACK             FWPM_FILTER_CHANGE_CALLBACK0
#define FwpmFilterSubscribeChanges              FwpmFilterSubscribeChanges0
#define FwpmFilterUnsubscribeChanges            FwpmFilterUnsubscribeChanges0
#define FwpmFilterSubscriptionsGet              FwpmFilterSubscriptionsGet0
#define FwpmGetAppIdFromFileName                FwpmGetAppIdFromFileName0
#define FwpmNetEventCreateEnumHandle            FwpmNetEventCreateEnumHandle0
#define FwpmNetEventDestroyEnumHandle           FwpmNetEventDestroyEnumHandle0
#define FwpmNetEventsGetSecurityInfo            FwpmNetEventsGetSecurityInfo0
#define FwpmNetEventsSetSecurityInfo            FwpmNetEventsSetSecurityInfo0
#define FwpmNetEventUnsubscribe                 FwpmNetEventUnsubscribe0
#define FwpmNetEventSubscriptionsGet            FwpmNetEventSubscriptionsGet0
#define FWPS_FILTER_CONDITION                   FWPS_FILTER_CONDITION0
#define FWPS_ACTION                             FWPS_ACTION0
#define FWPS_INCOMING_VALUE                     FWPS_INCOMING_VALUE0
#define FWPS_INCOMING_VALUES                    FWPS_INCOMING_VALUES0
#define FWPS_DISCARD_MODULE                     FWPS_DISCARD_MODULE0
#define FWPS_DISCARD_METADATA                   FWPS_DISCARD_METADATA0
#define FWPS_INBOUND_FRAGMENT_METADATA          FWPS_INBOUND_FRAGMENT_METADATA0
#define FWPS_INCOMING_METADATA_VALUES           FWPS_INCOMING_METADATA_VALUES0
#define FWPS_CLASSIFY_OUT                       FWPS_CLASSIFY_OUT0
#define FWPS_CALLOUT_FLOW_DELETE_NOTIFY_FN      FWPS_CALLOUT_FLOW_DELETE_NOTIFY_FN0
#define FWPS_INJECT_COMPLETE                    FWPS_INJECT_COMPLETE0
#define FWPS_CONNECT_REQUEST                    FWPS_CONNECT_REQUEST0
#define FWPS_BIND_REQUEST                       FWPS_BIND_REQUEST0
#define FwpsCalloutUnregisterById               FwpsCalloutUnregisterById0
#define FwpsCalloutUnregisterByKey              FwpsCalloutUnregisterByKey0
#define FwpsFlowAssociateContext                FwpsFlowAssociateContext0
#define FwpsFlowRemoveContext                   FwpsFlowRemoveContext0
#define FwpsFlowAbort                           FwpsFlowAbort0
#define FwpsPendOperation                       FwpsPendOperation0
#define FwpsCompleteOperation                   FwpsCompleteOperation0
#define FwpsAcquireClassifyHandle               FwpsAcquireClassifyHandle0
#define FwpsReleaseClassifyHandle               FwpsReleaseClassifyHandle0
#define FwpsPendClassify                        FwpsPendClassify0
#define FwpsCompleteClassify                    FwpsCompleteClassify0
#define FwpsReferenceNetBufferList              FwpsReferenceNetBufferList0
#define FwpsDereferenceNetBufferList            FwpsDereferenceNetBufferList0
#define FwpsAllocateCloneNetBufferList          FwpsAllocateCloneNetBufferList0
#define FwpsFreeCloneNetBufferList              FwpsFreeCloneNetBufferList0
#define FwpsInjectionHandleCreate               FwpsInjectionHandleCreate0
#define FwpsInjectionHandleDestroy              FwpsInjectionHandleDestroy0
#define FwpsQueryPacketInjectionState           FwpsQueryPacketInjectionState0
#define FwpsInjectTransportReceiveAsync         FwpsInjectTransportReceiveAsync0
#define FwpsRedirectHandleCreate                FwpsRedirectHandleCreate0
#define FwpsRedirectHandleDestroy               FwpsRedirectHandleDestroy0
#define FwpsQueryConnectionRedirectState        FwpsQueryConnectionRedirectState0
#define FwpsAcquireWritableLayerDataPointer     FwpsAcquireWritableLayerDataPointer0
#define FwpsApplyModifiedLayerData              FwpsApplyModifiedLayerData0
#define FwpmBfeStateGet                         FwpmBfeStateGet0
#define FwpmBfeStateSubscribeChanges            FwpmBfeStateSubscribeChanges0
#define FwpmBfeStateUnsubscribeChanges          FwpmBfeStateUnsubscribeChanges0

#endif
