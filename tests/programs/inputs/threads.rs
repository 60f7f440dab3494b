// Vectors, maps, boxes with alignments of their own and channels between threads: what it prints depends on its argument
// alone.
use std::alloc::{alloc, alloc_zeroed, dealloc, realloc, Layout};
use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeMap, BinaryHeap, HashMap, VecDeque};
use std::hash::{BuildHasherDefault, Hash, Hasher};
use std::panic;
use std::sync::mpsc;
use std::sync::{Arc, RwLock};
use std::thread;

const THREADS: u64 = 8;

type Table<K, V> = HashMap<K, V, BuildHasherDefault<DefaultHasher>>; // the usual one has a random seed

struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }
}

fn hash_of<T: Hash>(value: &T) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

/// The results of one task on threads of its own, in order.
fn at_once<T: Send + 'static>(task: impl Fn(u64) -> T + Send + Sync + Copy + 'static) -> Vec<T> {
    let threads: Vec<_> = (1..=THREADS).map(|number| thread::spawn(move || task(number))).collect();
    threads.into_iter().map(|one| one.join().unwrap()).collect()
}

fn collections(seed: u64, scale: usize) -> u64 {
    let mut random = Random(seed);
    let mut table: Table<String, Vec<u32>> = Table::default();
    let mut tree: BTreeMap<u64, Box<[u8]>> = BTreeMap::new();
    let mut queue: VecDeque<String> = VecDeque::new();
    let mut heap = BinaryHeap::new();
    for i in 0..60_000 * scale {
        let key = format!("key {}", random.below(5000));
        table.entry(key).or_default().push(i as u32);
        if i % 3 == 0 {
            table.remove(&format!("key {}", random.below(5000)));
        }
        tree.insert(random.next() % 3000, vec![i as u8; random.below(2000)].into_boxed_slice());
        queue.push_back("q".repeat(random.below(300)));
        if queue.len() > 500 {
            heap.push((queue.pop_front().unwrap().len(), i));
            queue.shrink_to(600);
        }
    }
    let mut sorted: Vec<_> = table.into_iter().collect();
    sorted.sort();
    hash_of(&(sorted, tree, queue, heap.into_sorted_vec()))
}

/// Blocks with every alignment, which grow and shrink and must keep what is in them.
fn layouts(seed: u64, scale: usize) -> u64 {
    let mut random = Random(seed * 77);
    let mut sum = 0u64;
    for i in 0..20_000 * scale {
        let alignment = 1usize << random.below(if i % 50 == 0 { 17 } else { 9 });
        let layout = Layout::from_size_align(1 + random.below(if i % 100 == 0 { 300_000 } else { 4000 }), alignment).unwrap();
        let larger = 1 + random.below(8000);
        // SAFETY: what is read was written before or is zero, and every block goes back with its layout.
        unsafe {
            let zeroed = alloc_zeroed(layout);
            assert!(!zeroed.is_null() && zeroed as usize % alignment == 0);
            assert!((0..layout.size()).step_by(61).all(|at| *zeroed.add(at) == 0));
            let block = alloc(layout);
            block.write_bytes(i as u8, layout.size());
            let moved = realloc(block, layout, larger);
            assert!(moved as usize % alignment == 0);
            assert!((0..layout.size().min(larger)).step_by(61).all(|at| *moved.add(at) == i as u8));
            sum = sum.wrapping_mul(31).wrapping_add(*moved as u64 ^ larger as u64);
            dealloc(moved, Layout::from_size_align(larger, alignment).unwrap());
            dealloc(zeroed, layout);
        }
    }
    sum
}

/// Every thread makes what another one drops.
fn channels(scale: usize) -> Vec<u64> {
    let (senders, receivers): (Vec<_>, Vec<_>) = (0..THREADS).map(|_| mpsc::sync_channel::<Vec<Box<[u8]>>>(8)).unzip();
    let consumers: Vec<_> = receivers
        .into_iter()
        .map(|receiver| {
            thread::spawn(move || receiver.iter().flatten().fold(0u64, |sum, one| sum.wrapping_add(hash_of(&one))))
        })
        .collect();
    let producers: Vec<_> = (1..=THREADS)
        .map(|number| {
            let senders = senders.clone();
            thread::spawn(move || {
                let mut random = Random(number * 1013);
                for i in 0..1000 * scale {
                    let parcel = (0..20).map(|k| vec![(i + k) as u8; 1 + random.below(1500)].into_boxed_slice()).collect();
                    senders[random.below(THREADS as usize)].send(parcel).unwrap();
                }
            })
        })
        .collect();
    drop(senders);
    producers.into_iter().for_each(|one| one.join().unwrap());
    consumers.into_iter().map(|one| one.join().unwrap()).collect()
}

/// Shared structures, and threads that panic while they hold boxes.
fn shared(scale: usize) -> (u64, usize, usize) {
    let table = Arc::new(RwLock::new(BTreeMap::<u64, Arc<str>>::new()));
    let mut panics = 0;
    for round in 0..10 * scale as u64 {
        let threads: Vec<_> = (0..THREADS)
            .map(|number| {
                let table = table.clone();
                thread::spawn(move || {
                    let held: Vec<String> = (0..500).map(|i| format!("{round} {number} {i}")).collect();
                    for (i, text) in held.iter().enumerate() {
                        let key = (number * 500 + i as u64) % 3000;
                        table.write().unwrap().insert(key * THREADS + number, Arc::from(text.as_str()));
                        assert!(table.read().unwrap().contains_key(&(key * THREADS + number)));
                    }
                    if number == 3 {
                        panic::resume_unwind(Box::new(held));
                    }
                })
            })
            .collect();
        panics += threads.into_iter().map(|one| one.join()).filter(|result| result.is_err()).count();
    }
    let table = table.read().unwrap();
    let result = (hash_of(&*table), table.len(), panics);
    result
}

fn main() {
    let scale: usize = std::env::args().nth(1).unwrap().parse().unwrap();
    println!("collections {:x?}", at_once(move |seed| collections(seed, scale)));
    println!("layouts {:x?}", at_once(move |seed| layouts(seed, scale)));
    println!("channels {:x?}", channels(scale));
    println!("shared {:x?}", shared(scale));
    println!("collections again {:x?}", at_once(move |seed| collections(seed + THREADS, scale)));
}
