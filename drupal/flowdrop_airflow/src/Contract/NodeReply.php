<?php

declare(strict_types=1);

namespace Drupal\flowdrop_airflow\Contract;

/**
 * What became of a node: the bodies that "execute-node" answers.
 */
final class NodeReply {

  /**
   * The node has completed.
   *
   * @param array $output
   *   Value by output port.
   *
   * @return array<string, mixed>
   *   The body.
   */
  public static function success(array $output): array {
    // An empty array must not become a JSON list.
    return ['status' => 'success', 'output' => $output === [] ? new \stdClass() : $output];
  }

  /**
   * The node has failed; an error edge may route it.
   *
   * @return array<string, mixed>
   *   The body.
   */
  public static function error(string $code, string $message, bool $retryable = FALSE, array $details = []): array {
    $error = ['code' => $code, 'message' => $message, 'retryable' => $retryable];
    return ['status' => 'error', 'error' => $details === [] ? $error : $error + ['details' => $details]];
  }

  /**
   * The node is still at work; ask again with the same key.
   *
   * @return array<string, mixed>
   *   The body.
   */
  public static function running(int $seconds): array {
    return ['status' => 'running', 'retry_after' => max(1, min(3600, $seconds))];
  }

  /**
   * The node asks a person.
   *
   * @return array<string, mixed>
   *   The body.
   */
  public static function interrupt(string $kind, string $message, array $schema = [], array $options = []): array {
    $kinds = ['confirmation', 'choice', 'text', 'form'];
    if (!in_array($kind, $kinds, TRUE)) {
      throw new ContractException(sprintf('There is no kind of question "%s".', $kind));
    }
    $question = ['kind' => $kind, 'message' => $message];
    $question += $schema === [] ? [] : ['schema' => $schema];
    return ['status' => 'interrupt', 'interrupt' => $question + ($options === [] ? [] : ['options' => $options])];
  }

  /**
   * Returns whether a reply is kept under its key: only what has completed.
   */
  public static function isKept(array $reply): bool {
    return ($reply['status'] ?? '') === 'success';
  }

}
