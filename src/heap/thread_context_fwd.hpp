#pragma once
/// Floor 5. The one thing that other threads do with a thread context: post to its inbox.

#include "layout/descriptors.hpp"
#include "lockfree/inbox.hpp"

namespace hakmem {

template <class Config>
using SlabInbox = Inbox<typename Config::Sync, Slab<Config>, &Slab<Config>::inbox_next>;

/// The inbox of a context. Any thread.
template <class Config>
SlabInbox<Config>& inbox_of(ThreadContext<Config>& context) noexcept;

}  // namespace hakmem
