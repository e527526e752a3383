<?php

declare(strict_types=1);

namespace Drupal\Tests\flowdrop_airflow\Unit;

/**
 * Reads the vectors that the Python side is tested with too.
 */
trait VectorsTrait {

  /**
   * Returns a file of vectors.
   */
  private static function vectors(string $name): array {
    $text = file_get_contents(dirname(__DIR__, 2) . '/contract/' . $name . '.json');
    return json_decode($text, TRUE, 512, JSON_THROW_ON_ERROR);
  }

  /**
   * Returns the entries of a file as PHPUnit wants them, by their names.
   */
  private static function named(string $file, string $list): array {
    $entries = self::vectors($file)[$list];
    return array_combine(array_column($entries, 'name'), array_map(static fn (array $entry): array => [$entry], $entries));
  }

}
