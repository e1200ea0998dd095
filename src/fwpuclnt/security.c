/* Security descriptors of the engine, of containers and of objects. */
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "model/sd.h"

/* ---- get */

static void point_into(const struct security_parts *parts, PSECURITY_DESCRIPTOR descriptor)
{
    const SECURITY_DESCRIPTOR_RELATIVE *head = descriptor;
    uint8_t *bytes = descriptor;

    *parts->descriptor = descriptor;
    if (parts->owner)
        *parts->owner = head->Owner ? bytes + head->Owner : NULL;
    if (parts->group)
        *parts->group = head->Group ? bytes + head->Group : NULL;
    if (parts->dacl)
        *parts->dacl = head->Dacl ? (PACL)(bytes + head->Dacl) : NULL;
    if (parts->sacl)
        *parts->sacl = head->Sacl ? (PACL)(bytes + head->Sacl) : NULL;
}

static void take_descriptor(struct call *call, const struct security_parts *parts)
{
    ProtobufCBinaryData sd = call->reply->security->sd;
    const char *why = "";
    struct sd opened;
    void *payload;

    if (!sd_open(&opened, sd.data, sd.len, &why)) {
        call_refuse(call, ERROR_INVALID_SECURITY_DESCR, why);
        return;
    }
    payload = call_payload(call, sd.len);
    if (!payload)
        return;
    memcpy(payload, sd.data, sd.len);
    point_into(parts, call_keep(call, payload));
}

DWORD security_get(HANDLE engineHandle, enum model_kind kind, const GUID *key,
                   SECURITY_INFORMATION information, const struct security_parts *parts)
{
    Rpc__SecurityGet message = RPC__SECURITY_GET__INIT;
    struct call call;

    if (!call_begin(&call, engineHandle) ||
        !call_needs(&call, parts->descriptor, "securityDescriptor"))
        return call_end(&call);
    message.kind = (Rpc__Kind)kind;
    message.key = encode_guid(key);
    message.information = information;
    call.request.call_case = RPC__REQUEST__CALL_SECURITY_GET;
    call.request.security_get = &message;
    if (call_send_keep(&call, RPC__REPLY__RESULT_SECURITY))
        take_descriptor(&call, parts);
    return call_end(&call);
}

/* ---- set */

static size_t sid_bytes(const SID *sid)
{
    return sid ? 8 + 4u * sid->SubAuthorityCount : 0;
}

static size_t acl_bytes(const ACL *acl)
{
    return acl ? acl->AclSize : 0;
}

/* Copies a part behind the others; returns its offset, 0 when there is none. */
static DWORD put_part(uint8_t *bytes, size_t *used, const void *part, size_t size)
{
    DWORD offset = (DWORD)*used;

    if (!part)
        return 0;
    memcpy(bytes + offset, part, size);
    *used += (size + 3) & ~(size_t)3;
    return offset;
}

/* The self-relative descriptor of the parts in the call's arena. */
static void *assemble(struct call *call, SECURITY_INFORMATION information, const SID *owner,
                      const SID *group, const ACL *dacl, const ACL *sacl)
{
    SECURITY_DESCRIPTOR_RELATIVE *head;
    size_t used = sizeof(*head);
    uint8_t *bytes =
        arena_alloc(call->converter.arena, sizeof(*head) + sid_bytes(owner) + sid_bytes(group) +
                                               acl_bytes(dacl) + acl_bytes(sacl) + 16);

    if (!bytes)
        return NULL;
    head = (SECURITY_DESCRIPTOR_RELATIVE *)bytes;
    head->Revision = SECURITY_DESCRIPTOR_REVISION;
    head->Control = SE_SELF_RELATIVE;
    if (information & DACL_SECURITY_INFORMATION)
        head->Control |= SE_DACL_PRESENT;
    if (information & SACL_SECURITY_INFORMATION)
        head->Control |= SE_SACL_PRESENT;
    if (information & PROTECTED_DACL_SECURITY_INFORMATION)
        head->Control |= SE_DACL_PROTECTED;
    if (information & PROTECTED_SACL_SECURITY_INFORMATION)
        head->Control |= SE_SACL_PROTECTED;
    head->Owner = put_part(bytes, &used, owner, sid_bytes(owner));
    head->Group = put_part(bytes, &used, group, sid_bytes(group));
    head->Sacl = put_part(bytes, &used, sacl, acl_bytes(sacl));
    head->Dacl = put_part(bytes, &used, dacl, acl_bytes(dacl));
    return bytes;
}

/* Only the parts that information names count. */
DWORD security_set(HANDLE engineHandle, enum model_kind kind, const GUID *key,
                   SECURITY_INFORMATION information, const SID *owner, const SID *group,
                   const ACL *dacl, const ACL *sacl)
{
    Rpc__SecuritySet message = RPC__SECURITY_SET__INIT;
    struct call call;
    void *sd;

    if (!call_begin(&call, engineHandle))
        return call_end(&call);
    sd = assemble(&call, information, information & OWNER_SECURITY_INFORMATION ? owner : NULL,
                  information & GROUP_SECURITY_INFORMATION ? group : NULL,
                  information & DACL_SECURITY_INFORMATION ? dacl : NULL,
                  information & SACL_SECURITY_INFORMATION ? sacl : NULL);
    message.kind = (Rpc__Kind)kind;
    message.key = encode_guid(key);
    message.information = information;
    call.request.call_case = RPC__REQUEST__CALL_SECURITY_SET;
    call.request.security_set = &message;
    if (!sd)
        call_refuse(&call, ERROR_NOT_ENOUGH_MEMORY, "out of memory");
    else if (!encode_sd(&call.converter, sd, &message.sd))
        call_failed(&call);
    else
        call_send(&call, RPC__REPLY__RESULT__NOT_SET);
    return call_end(&call);
}

/* ---- of the engine and of the net events; the other kinds' are in their files */

EXPORT DWORD WINAPI FwpmEngineGetSecurityInfo0(HANDLE engineHandle,
                                               SECURITY_INFORMATION securityInfo, PSID *sidOwner,
                                               PSID *sidGroup, PACL *dacl, PACL *sacl,
                                               PSECURITY_DESCRIPTOR *securityDescriptor)
{
    const struct security_parts parts = {sidOwner, sidGroup, dacl, sacl, securityDescriptor};

    return security_get(engineHandle, MODEL_ENGINE, NULL, securityInfo, &parts);
}

EXPORT DWORD WINAPI FwpmEngineSetSecurityInfo0(HANDLE engineHandle,
                                               SECURITY_INFORMATION securityInfo,
                                               const SID *sidOwner, const SID *sidGroup,
                                               const ACL *dacl, const ACL *sacl)
{
    return security_set(engineHandle, MODEL_ENGINE, NULL, securityInfo, sidOwner, sidGroup, dacl,
                        sacl);
}

EXPORT DWORD WINAPI FwpmNetEventsGetSecurityInfo0(HANDLE engineHandle,
                                                  SECURITY_INFORMATION securityInfo, PSID *sidOwner,
                                                  PSID *sidGroup, PACL *dacl, PACL *sacl,
                                                  PSECURITY_DESCRIPTOR *securityDescriptor)
{
    const struct security_parts parts = {sidOwner, sidGroup, dacl, sacl, securityDescriptor};

    return security_get(engineHandle, MODEL_NET_EVENT, NULL, securityInfo, &parts);
}

EXPORT DWORD WINAPI FwpmNetEventsSetSecurityInfo0(HANDLE engineHandle,
                                                  SECURITY_INFORMATION securityInfo,
                                                  const SID *sidOwner, const SID *sidGroup,
                                                  const ACL *dacl, const ACL *sacl)
{
    return security_set(engineHandle, MODEL_NET_EVENT, NULL, securityInfo, sidOwner, sidGroup, dacl,
                        sacl);
}
