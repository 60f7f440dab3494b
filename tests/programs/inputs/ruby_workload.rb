# Strings, hashes, threads, fibers, processes and a heap that is compacted: what it prints depends on its argument alone.
require 'digest'
require 'json'
require 'strscan'
require 'zlib'

SCALE = Integer(ARGV[0])

def show(name, value)
  puts "#{name} #{Digest::SHA256.hexdigest(value.inspect)[0, 16]}"
end

def words(seed, count)
  random = Random.new(seed)
  Array.new(count) { (random.rand(40) + 1).times.map { (97 + random.rand(8)).chr }.join }
end

def containers
  table = Hash.new { |hash, key| hash[key] = [] }
  words(1, 20_000 * SCALE).each_with_index { |word, i| table[word[0, 2]] << [i, word, { word => i }] }
  table.keys.each_slice(2) { |key, _| table.delete(key) }
  table.map { |key, list| [key, list.size, list.last] }.sort
end

def texts
  text = words(2, 20_000 * SCALE).join(' ')
  changed = text.gsub(/(a+)(b*)(?=[cd])/) { "<#{$2}#{$1}>" }
  packed = Zlib::Deflate.deflate(changed)
  raise 'not what was packed' unless Zlib::Inflate.inflate(packed) == changed
  scanner, tokens = StringScanner.new(changed), []
  tokens << scanner.matched until scanner.eos? || !scanner.scan(/\w+|\W+/)
  [changed.size, tokens.size, JSON.parse(JSON.generate(tokens.each_slice(7).to_a)).flatten.hash == tokens.hash]
end

def in_threads
  Array.new(8) do |number|
    Thread.new { Digest::SHA256.hexdigest(words(number, 3000 * SCALE).map { |word| "#{number}:#{word}" * 3 }.sort.join) }
  end.map(&:value)
end

# Interpreters beside each other, which pass on what they have made.
def in_ractors
  Array.new(4) do |number|
    Ractor.new(number, SCALE) do |own, scale|
      list = []
      (20_000 * scale).times { |i| list[i % 700] = ('r' * (i * 7919 % 300)) + (own * i).to_s }
      list
    end
  end.map(&:take)
end

def fibers
  generators = Array.new(500) { |i| Enumerator.new { |out| (i % 50 + 5).times { |k| out << ("f#{i}" * (k + 1)) } } }
  (0..40).map { generators.map { |one| one.next rescue 'end' } }
end

def processes
  Array.new(4) do |number|
    reader, writer = IO.pipe
    child = fork do
      reader.close
      writer.write(Digest::SHA256.hexdigest(words(50 + number, 2000 * SCALE).tally.sort.to_s))
      writer.close
      exit!(0)
    end
    writer.close
    [reader.read, Process.wait2(child)[1].exitstatus]
  end
end

def compacted
  kept = Array.new(50_000 * SCALE) { |i| i % 3 == 0 ? "kept #{i}" * 4 : nil }.compact
  GC.start
  GC.compact
  kept.sum(&:size)
end

%i[containers texts in_threads in_ractors fibers processes compacted].each { |task| show(task, send(task)) }
