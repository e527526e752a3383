<?php

declare(strict_types=1);

namespace Drupal\flowdrop_airflow\Controller;

use Drupal\Core\DependencyInjection\ContainerInjectionInterface;
use Drupal\flowdrop_airflow\Contract\ContractException;
use Drupal\flowdrop_airflow\Contract\NodeRequest;
use Drupal\flowdrop_airflow\Contract\RunEvent;
use Drupal\flowdrop_airflow\Service\Exporter;
use Drupal\flowdrop_airflow\Service\NodeExecutor;
use Drupal\flowdrop_airflow\Service\ResultStore;
use Drupal\flowdrop_airflow\Service\RunMirror;
use Symfony\Component\DependencyInjection\ContainerInterface;
use Symfony\Component\HttpFoundation\JsonResponse;
use Symfony\Component\HttpFoundation\Request;
use Symfony\Component\HttpFoundation\Response;

/**
 * What Airflow calls.
 */
final class SignedController implements ContainerInjectionInterface {

  public function __construct(
    private readonly Exporter $exporter,
    private readonly NodeExecutor $executor,
    private readonly ResultStore $results,
    private readonly RunMirror $mirror,
  ) {}

  /**
   * {@inheritdoc}
   */
  public static function create(ContainerInterface $container): self {
    return new self(
      $container->get('flowdrop_airflow.exporter'),
      $container->get('flowdrop_airflow.executor'),
      $container->get('flowdrop_airflow.results'),
      $container->get('flowdrop_airflow.mirror'),
    );
  }

  /**
   * Says that the signature is accepted; for connection tests.
   */
  public function status(): JsonResponse {
    return new JsonResponse(['success' => TRUE, 'module' => 'flowdrop_airflow', 'contract' => NodeRequest::CONTRACT]);
  }

  /**
   * Gives workflows, node types and triggers, or 304.
   */
  public function export(Request $request): Response {
    $set = $this->exporter->export();
    $headers = ['ETag' => $set->etag(), 'Cache-Control' => 'no-store'];
    if ($set->isKnownTo((string) $request->headers->get('If-None-Match'))) {
      return new Response('', 304, $headers);
    }
    return new JsonResponse(['success' => TRUE, 'files' => (object) $set->files], 200, $headers);
  }

  /**
   * Runs one node.
   */
  public function executeNode(Request $request): JsonResponse {
    try {
      $asked = NodeRequest::fromJson($request->getContent());
    }
    catch (ContractException $error) {
      return self::refused($error);
    }
    return new JsonResponse($this->results->once($asked->key, fn (): array => $this->executor->execute($asked)));
  }

  /**
   * Takes a callback about a run.
   */
  public function event(Request $request): JsonResponse {
    try {
      $event = RunEvent::fromJson($request->getContent());
    }
    catch (ContractException $error) {
      return self::refused($error);
    }
    try {
      return new JsonResponse(['success' => TRUE, 'duplicate' => !$this->mirror->apply($event)]);
    }
    catch (\RuntimeException $error) {
      return new JsonResponse(['success' => FALSE, 'error' => $error->getMessage()], 503, ['Retry-After' => '1']);
    }
  }

  private static function refused(ContractException $error): JsonResponse {
    return new JsonResponse(['success' => FALSE, 'error' => $error->getMessage()], 400);
  }

}
