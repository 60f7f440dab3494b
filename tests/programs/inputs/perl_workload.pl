# Hashes, regular expressions, sorting, closures and interpreter threads: what it prints depends on its argument alone.
use strict;
use warnings;
use Config;
use Digest::SHA qw(sha256_hex);

my $scale = shift @ARGV;
my $state = 42;
sub number { $state = ($state * 1103515245 + 12345) % 2147483648; return $state >> 10; }
sub word { my $length = 1 + number() % 30; return join '', map { chr(97 + number() % 8) } 1 .. $length; }

my @words = map { word() } 1 .. 20000 * $scale;
my %count;
$count{ substr $_, 0, 3 }++ for @words;
print 'prefixes ', sha256_hex(join ',', map { "$_=$count{$_}" } sort keys %count), "\n";

my $text = join ' ', @words;
my $changes = ($text =~ s/(a+)(b*)(?=[cd])/<$2$1>/g);
print "changes $changes ", sha256_hex($text), "\n";

my @closures = map { my $n = $_; my @data = (1 .. $n % 50); sub { return $n * scalar @data } } 1 .. 5000 * $scale;
my $sum = 0;
$sum += $_->() for @closures;
print "closures $sum\n";

my %tree;
for my $w (@words[0 .. 4999]) { my $at = \%tree; $at = $at->{$_} //= {} for split //, substr $w, 0, 8; $at->{end}++; }
sub nodes { my $t = shift; my $n = 1; for (values %$t) { $n += ref $_ ? nodes($_) : 0 } return $n; }
print 'nodes ', nodes(\%tree), "\n";

if ($Config{useithreads}) {
  require threads;
  for my $round (1 .. 3) {
    my @threads = map { my $id = $_; threads->create(sub {
      my %mine = map { $_ => length } @words[$id * 1000 .. $id * 1000 + 3000];
      return sha256_hex(join ',', map { "$_$mine{$_}" } sort keys %mine);
    }) } 0 .. 3;
    print "thread $_\n" for map { $_->join() } @threads;
  }
}
