// The commands and queries of authenticated channels, for those who make inputs of numbers: in this
// order, which the corpora of the targets device and firmware go by.
#ifndef WARD_TESTS_FUZZ_CHANNEL_TABLES_H_
#define WARD_TESTS_FUZZ_CHANNEL_TABLES_H_

#include "firmware/channel_messages.h"

namespace ward::fuzz {

inline constexpr const firmware::ChannelMessage* kChannelCommands[] = {
    &firmware::kConfigureInitialize, &firmware::kConfigureProtection,
    &firmware::kConfigureCryptoSession, &firmware::kConfigureSharedResource,
    &firmware::kConfigureEncryptionWhenAccessible};
inline constexpr const firmware::ChannelMessage* kChannelQueries[] = {
    &firmware::kQueryProtection,
    &firmware::kQueryChannelType,
    &firmware::kQueryDeviceHandle,
    &firmware::kQueryCryptoSession,
    &firmware::kQueryProcessCount,
    &firmware::kQueryProcess,
    &firmware::kQueryUnrestrictedCount,
    &firmware::kQueryOutputIdCount,
    &firmware::kQueryOutputId,
    &firmware::kQueryAccessibility,
    &firmware::kQueryEncryptionGuidCount,
    &firmware::kQueryEncryptionGuid,
    &firmware::kQueryCurrentEncryption};

}  // namespace ward::fuzz

#endif  // WARD_TESTS_FUZZ_CHANNEL_TABLES_H_
