<?php
// Arrays, strings, generators, objects in circles, JSON and compression: what it prints
// depends on its argument alone. PHP's own allocator is switched off by its environment.
declare(strict_types=1);

$scale = (int)$argv[1];
mt_srand(7);

function show(string $name, mixed $value): void {
  echo $name, ' ', substr(hash('sha256', serialize($value)), 0, 16), "\n";
}

function words(int $count): array {
  $list = [];
  for ($i = 0; $i < $count; $i++) {
    $word = '';
    for ($k = mt_rand(1, 40); $k > 0; $k--) $word .= chr(mt_rand(97, 104));
    $list[] = $word;
  }
  return $list;
}

function containers(int $scale): array {
  $table = [];
  foreach (words(20000 * $scale) as $i => $word) $table[substr($word, 0, 2)][] = [$i, $word, [$word => $i]];
  foreach (array_keys($table) as $at => $key) if ($at % 2) unset($table[$key]);
  ksort($table);
  return array_map(fn($list) => [count($list), end($list)], $table);
}

function texts(int $scale): array {
  $text = implode(' ', words(20000 * $scale));
  $changed = preg_replace_callback('/(a+)(b*)(?=[cd])/', fn($m) => "<$m[2]$m[1]>", $text);
  $packed = gzcompress($changed, 6);
  return [strlen($changed), strlen($packed), gzuncompress($packed) === $changed, count(explode('<', $changed)),
          json_decode(json_encode(str_split($changed, 70)), true)[9]];
}

final class Node {
  public ?Node $other = null;
  public function __construct(public string $payload) {}
}

function circles(int $scale): int {
  $collected = 0;
  for ($round = 0; $round < 20 * $scale; $round++) {
    for ($i = 0; $i < 2000; $i++) {
      $a = new Node(str_repeat('a', mt_rand(1, 3000)));
      $b = new Node(str_repeat('b', mt_rand(1, 300)));
      $a->other = $b;
      $b->other = $a;
    }
    $collected += gc_collect_cycles() > 0 ? 1 : 0;
  }
  return $collected;
}

function lines(int $count): Generator {
  for ($i = 0; $i < $count; $i++) $back = yield str_repeat("line $i ", 1 + $i % 60) . ($back ?? '');
}

function generators(int $scale): string {
  $hash = hash_init('sha256');
  foreach (lines(50000 * $scale) as $line) hash_update($hash, strrev($line));
  return hash_final($hash);
}

function structures(int $scale): array {
  $heap = new SplPriorityQueue();
  $fixed = new SplFixedArray(1000);
  $store = new SplObjectStorage();
  foreach (words(10000 * $scale) as $i => $word) {
    $heap->insert($word, crc32($word));
    $fixed[$i % 1000] = str_repeat($word, 5);
    if ($i % 10 === 0) $store[new Node($word)] = $i;
  }
  $top = [];
  for ($i = 0; $i < 5000; $i++) $top[] = $heap->extract();
  return [$top, $fixed->toArray(), count($store)];
}

foreach (['containers', 'texts', 'circles', 'generators', 'structures'] as $task) show($task, $task($scale));
