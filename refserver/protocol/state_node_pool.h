// Memory for the nodes of state trees that one owner makes over and over: what was released is used
// again.
//
// Private to state*.cpp. One owner takes; anybody, on any thread, may release. Released memory
// stays with the pool, which lives as long as its owner or one of its nodes.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <utility>

namespace matrix::state_tree {

class NodePool {
public:
    NodePool() = default;
    NodePool(const NodePool&) = delete;
    NodePool& operator=(const NodePool&) = delete;
    ~NodePool() {
        release_all(free_);
        release_all(returned_.load(std::memory_order_acquire));
    }

    /// Memory of always the same `size`.
    void* take(std::size_t size) {
        if (!free_) free_ = returned_.exchange(nullptr, std::memory_order_acquire);
        if (!free_) return ::operator new(size);
        Block* block = free_;
        free_ = block->next;
        return block;
    }
    void give(void* memory) {
        auto* block = new (memory) Block{returned_.load(std::memory_order_relaxed)};
        while (!returned_.compare_exchange_weak(
            block->next, block, std::memory_order_release, std::memory_order_relaxed)) {
        }
    }

private:
    struct Block {
        Block* next;
    };
    static void release_all(Block* block) {
        while (block)
            ::operator delete(std::exchange(block, block->next));
    }

    Block* free_ = nullptr;  ///< The owner's.
    std::atomic<Block*> returned_{nullptr};
};
using NodePoolPtr = std::shared_ptr<NodePool>;

/// Gives `std::allocate_shared` the memory of a pool.
template <class T>
class NodeAllocator {
public:
    using value_type = T;
    explicit NodeAllocator(NodePoolPtr pool) : pool_(std::move(pool)) {}
    template <class Other>
    explicit NodeAllocator(const NodeAllocator<Other>& other) : pool_(other.pool()) {}

    T* allocate(std::size_t) { return static_cast<T*>(pool_->take(sizeof(T))); }
    void deallocate(T* memory, std::size_t) { pool_->give(memory); }
    const NodePoolPtr& pool() const { return pool_; }

    friend bool operator==(const NodeAllocator& a, const NodeAllocator& b) {
        return a.pool_ == b.pool_;
    }

private:
    NodePoolPtr pool_;
};

}  // namespace matrix::state_tree
