<?php

declare(strict_types=1);

namespace Drupal\flowdrop_airflow\Contract;

/**
 * What Airflow pulls: configuration by file name, and its tag.
 */
final class ExportSet {

  /**
   * What the names of exported configuration begin with.
   */
  public const PREFIXES = [
    'flowdrop_workflow.flowdrop_workflow.',
    'flowdrop_node_type.flowdrop_node_type.',
    'flowdrop_trigger.',
  ];

  /**
   * Texts by file name, sorted by name.
   *
   * @var array<string, string>
   */
  public readonly array $files;

  /**
   * Keeps the texts of configuration that is exported.
   *
   * @param array<string, string> $texts
   *   YAML text by configuration name.
   */
  public function __construct(array $texts) {
    $files = [];
    foreach ($texts as $name => $text) {
      if (self::isExported($name)) {
        $files[$name . '.yml'] = $text;
      }
    }
    ksort($files, SORT_STRING);
    $this->files = $files;
  }

  /**
   * Returns whether configuration with this name is exported.
   */
  public static function isExported(string $name): bool {
    foreach (self::PREFIXES as $prefix) {
      if (str_starts_with($name, $prefix)) {
        return $name !== 'flowdrop_trigger.settings';
      }
    }
    return FALSE;
  }

  /**
   * Returns the entity tag: a hash over names and texts.
   */
  public function etag(): string {
    $hash = hash_init('sha256');
    foreach ($this->files as $name => $text) {
      hash_update($hash, $name . "\n" . strlen($text) . "\n" . $text);
    }
    return '"' . substr(hash_final($hash), 0, 40) . '"';
  }

  /**
   * Returns whether the caller has this already.
   *
   * @param string $ifNoneMatch
   *   The request's If-None-Match header.
   */
  public function isKnownTo(string $ifNoneMatch): bool {
    $known = array_map(static fn (string $tag): string => preg_replace('~^W/~', '', trim($tag)), explode(',', $ifNoneMatch));
    return in_array($this->etag(), $known, TRUE);
  }

}
